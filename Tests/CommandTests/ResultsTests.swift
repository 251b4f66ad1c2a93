import Foundation
import TestSupport
import Testing

/// The runs that come with the repository have the figures that it prints.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct Results {
  private let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..")
    .standardized.path

  private struct Published: Decodable {
    let data: String
    let natsPerImage: Double
    let natsStandardError: Double?
  }

  /// Names of the runs and what they were published with.
  private func zoo() throws -> [(name: String, results: [Published])] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(root)/runs").sorted()
    return try names.compactMap { name in
      guard let json = FileManager.default.contents(atPath: "\(root)/runs/\(name)/results.json")
      else { return nil }
      return (name, try decoder.decode([Published].self, from: json))
    }
  }

  @Test("the README has each run's figures in rows that name it, and the runs are small")
  func readme() throws {
    let rows = try String(contentsOfFile: "\(root)/README.md", encoding: .utf8)
      .split(separator: "\n")
    let runs = try zoo()
    #expect(!runs.isEmpty)
    var total = 0
    for (name, results) in runs {
      let own = rows.filter { $0.contains("`runs/\(name)`") }
      for result in results {
        let nats = String(format: "%.2f", result.natsPerImage)
        let error = result.natsStandardError.map { String(format: " ± %.2f", $0) } ?? ""
        #expect(
          own.contains { $0.contains("| \(nats)\(error) |") },
          "\(name), \(nats)\(error), is not in \(own)")
      }
      let files = try FileManager.default.contentsOfDirectory(atPath: "\(root)/runs/\(name)")
      #expect(files.contains("README.md") && !files.contains("checkpoint.safetensors"))
      let size = try files.reduce(0) { try $0 + bytes(of: "\(root)/runs/\(name)/\($1)").count }
      #expect(size <= 5_000_000, "\(name) has \(size) bytes")
      total += size
    }
    #expect(total <= 25_000_000)
  }

  /// Those on bundled images; `make results` has the rest.
  @Test("figures on bundled images are found again to the last digit printed")
  func bundled() throws {
    let bundled = try zoo().filter { run in
      run.results.allSatisfy {
        FileManager.default.fileExists(atPath: "\(root)/datasets/\($0.data)")
      }
    }
    #expect(!bundled.isEmpty)
    let folder = TemporaryFolder()
    let shell = try Shell(
      "python3 '\(root)/Benchmarks/results.py' --scanline \"$0\" --only \"$@\"",
      [try #require(Command.path)] + bundled.map(\.name), in: folder.path)
    #expect(try shell.end() == 0, "\(shell.text("out"))\(shell.text("error"))")
    let rows = shell.text("out").split(separator: "\n")
    #expect(rows.count { $0.hasSuffix("| as published |") } == rows.count - 2, "\(rows)")
  }
}
