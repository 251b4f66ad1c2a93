import Foundation

/// A folder of a test's own, removed with it. What cannot be done in it ends the tests.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() {
    path = FileManager.default.temporaryDirectory.path + "/scanline-\(UUID().uuidString)"
    makeFolder("")
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// What lies in it, sorted.
  public func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  public func makeFolder(_ name: String) {
    try! FileManager.default.createDirectory(
      atPath: file(name), withIntermediateDirectories: true)
  }

  /// Writes a file, and the folders that its name asks for.
  @discardableResult public func write(
    _ bytes: some Sequence<UInt8>, to name: String
  ) -> String {
    makeFolder(name.lastIndex(of: "/").map { String(name[..<$0]) } ?? "")
    put(bytes, at: file(name))
    return file(name)
  }

  public func link(_ name: String, to target: String) {
    try! FileManager.default.createSymbolicLink(atPath: file(name), withDestinationPath: target)
  }
}

public func bytes(of path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

public func put(_ contents: some Sequence<UInt8>, at path: String) {
  unlink(path)  // a file cut and written again is flushed to the disk by some file systems
  try! Data(contents).write(to: URL(fileURLWithPath: path))
}
