import Foundation
import RunFiles
import Testing

/// A folder of a test's own, removed with it.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/scanline-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path) }
}

func bytes(of path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

func put(_ contents: some Sequence<UInt8>, at path: String) throws {
  unlink(path)  // a file cut and written again is flushed to the disk by some file systems
  try Data(contents).write(to: URL(fileURLWithPath: path))
}

/// Expects `body` to throw a `RunFileError` of one line that starts with the path and holds `parts`.
func expectError(
  at path: String, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  let error = #expect(throws: RunFileError.self, sourceLocation: sourceLocation) { try body() }
  guard let line = error?.description else { return }
  #expect(line.hasPrefix(path + ": "), sourceLocation: sourceLocation)
  #expect(line.isOneLine, sourceLocation: sourceLocation)
  for part in parts {
    #expect(line.contains(part), sourceLocation: sourceLocation)
  }
}

extension String {
  var isOneLine: Bool { !contains(where: \.isNewline) }
}
