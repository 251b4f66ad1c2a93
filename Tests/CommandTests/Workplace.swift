import Foundation
import Images
import Randomness
import TestSupport
import Testing

/// What a command left behind.
struct Outcome {
  let status: Int32
  let out: String
  let error: String

  /// Standard output as one JSON object and a line end, nothing else.
  func object(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
    #expect(status == 0 || status == 3, "\(error)", sourceLocation: sourceLocation)
    #expect(out.hasSuffix("}\n") && out.filter { $0 == "\n" }.count == 1)
    let object = try JSONSerialization.jsonObject(with: Data(out.utf8))
    return try #require(object as? [String: Any], sourceLocation: sourceLocation)
  }

  /// Expects failure with one line on standard error, and no word on standard output.
  func expectFailure(
    naming words: [String], status expected: Int32 = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(status == expected, "\(error)", sourceLocation: sourceLocation)
    #expect(out.isEmpty, "\(out)", sourceLocation: sourceLocation)
    let errors = error.split(separator: "\n").filter { $0.hasPrefix("Error: ") }
    #expect(errors.count == 1, "\(error)", sourceLocation: sourceLocation)
    if expected == 1 {
      #expect(error.hasSuffix("\n") && error.hasPrefix("Error: "), "\(error)")
      #expect(error.filter { $0 == "\n" }.count == 1, "\(error)", sourceLocation: sourceLocation)
    }
    for word in words {
      #expect(error.contains(word), "\(error)", sourceLocation: sourceLocation)
    }
  }
}

/// A folder of its own in which commands run, removed in the end.
struct Workplace {
  let folder = TemporaryFolder()

  var path: String { folder.path }

  func file(_ name: String) -> String { folder.file(name) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  /// What lies in a folder, hidden files left out, sorted.
  func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(folder)).filter { !$0.hasPrefix(".") }
      .sorted()
  }

  func contents(_ name: String) throws -> Data { Data(try bytes(of: file(name))) }

  func write(_ data: Data, to name: String) { folder.write(data, to: name) }

  /// Starts the command here, in an environment of its own.
  func start(
    _ arguments: [String], environment: [String: String] = [:], input: String? = nil
  ) throws -> Running {
    let process = Process()
    if let input {
      let handle: FileHandle = try #require(FileHandle(forReadingAtPath: file(input)))
      process.standardInput = handle
    }
    process.executableURL = URL(fileURLWithPath: try #require(Command.path))
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.environment = environment.merging(["COLUMNS": "80"]) { given, _ in given }
    // Files, not pipes: nobody has to empty them.
    let name = "\(UInt64.random(in: 0 ... .max))"
    func output(_ suffix: String) throws -> FileHandle {
      let path = NSTemporaryDirectory() + "scanline-\(name).\(suffix)"
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      defer { unlink(path) }
      return try #require(FileHandle(forUpdatingAtPath: path))
    }
    let running = Running(process: process, out: try output("out"), error: try output("err"))
    process.standardOutput = running.out
    process.standardError = running.error
    try process.run()
    return running
  }

  /// Runs the command here to its end, on one thread.
  func scanline(_ arguments: String...) throws -> Outcome { try scanline(arguments) }

  func scanline(_ arguments: [String]) throws -> Outcome { try start(arguments).outcome() }

  /// 10 × 10 grey images of a bright bar on dark ground, with a little noise; `odd` ones are noise.
  /// Shades differ so that no two are the same before they are made binary.
  func makeImages(_ folder: String, _ count: Int, odd: Bool = false, seed: UInt64 = 0) throws {
    self.folder.makeFolder(folder)
    for index in 0..<count {
      var random = RandomStream(seed: seed, folder, index)
      let column = 1 + random.integer(below: 8)
      var shade = RandomStream(seed: seed, "shade of \(folder)", index)
      let pixels = (0..<100).map { i -> UInt8 in
        let isNoise = odd || random.uniform() < 0.02
        let isBright = isNoise ? random.uniform() >= 0.5 : i % 10 == column
        let depth = UInt8(shade.integer(below: 16))
        return isBright ? 255 - depth : depth
      }
      try Image(height: 10, width: 10, channels: 1, pixels: pixels)
        .writePNG(to: file("\(folder)/\(index < 10 ? "0" : "")\(index).png"))
    }
  }

  /// A place with images to train on (`normal`), to hold out (`held-out`) and to find (`mixed`), and a
  /// run trained on the first.
  static func trained() throws -> Workplace {
    let place = Workplace()
    try place.makeImages("normal", 60)
    try place.makeImages("held-out", 40)
    try place.makeImages("mixed/good", 20)
    try place.makeImages("mixed/bad", 5, odd: true)
    let outcome = try place.scanline(
      "train", "normal", "--run", "run", "--model", "nade", "--set", "hidden=8", "--binarize",
      "threshold", "--epochs", "30", "--batch", "8", "--learning-rate", "0.02", "--threads", "1",
      "--json")
    let object = try outcome.object()
    for key in [
      "run", "epochs", "steps", "seconds", "train_bits_per_dimension", "validation_nats_per_image",
      "parameters",
    ] { #expect(object[key] != nil, "train lacks \(key)") }
    return place
  }
}

/// A command under way.
struct Running {
  let process: Process
  let out: FileHandle
  let error: FileHandle

  func outcome() throws -> Outcome {
    process.waitUntilExit()
    func text(_ handle: FileHandle) throws -> String {
      try handle.seek(toOffset: 0)
      return String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
    }
    // A signal has a number too; no command's status is negative.
    let status =
      process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return Outcome(status: status, out: try text(out), error: try text(error))
  }
}
