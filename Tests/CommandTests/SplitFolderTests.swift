import Foundation
import TestSupport
import Testing

/// `make split-folder`, by which the studies set test images aside.
@Suite struct SplitFolder {
  /// Runs it in the package; answers whether it succeeded.
  private func split(from: String, to: String) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let package = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..")
    process.arguments = [
      "make", "-s", "-C", package.standardizedFileURL.path, "split-folder", "FROM=\(from)",
      "TO=\(to)",
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  @Test("of each class every tenth file goes to the test, and no file to both")
  func everyTenth() throws {
    let place = Workplace()
    try place.makeImages("kinds/a b", 21)
    try place.makeImages("kinds/c", 9)
    #expect(try split(from: place.file("kinds"), to: place.file("split")))
    #expect(try place.names(in: "split/test/a b") == ["00.png", "10.png", "20.png"])
    #expect(try place.names(in: "split/test/c") == ["00.png"])
    #expect(
      try place.names(in: "split/train/c") == (1...8).map { "0\($0).png" })
    #expect(try place.names(in: "split/train/a b").count == 18)
    #expect(
      try place.contents("split/train/a b/11.png") == place.contents("kinds/a b/11.png"))
    // Never over what is there, nor out of nothing.
    #expect(try !split(from: place.file("kinds"), to: place.file("split")))
    #expect(try !split(from: place.file("kinds/c"), to: place.file("other")))
    #expect(!place.exists("other"))
  }
}
