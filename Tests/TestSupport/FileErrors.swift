import Files
import Testing

/// Expects `body` to throw a `FileError` of one line that starts with the path and holds `parts`.
public func expectError(
  at path: String, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  let error = #expect(throws: FileError.self, sourceLocation: sourceLocation) { try body() }
  guard let line = error?.description else { return }
  #expect(line.hasPrefix(path + ": "), sourceLocation: sourceLocation)
  #expect(line.isOneLine, sourceLocation: sourceLocation)
  for part in parts {
    #expect(line.contains(part), sourceLocation: sourceLocation)
  }
}

extension String {
  public var isOneLine: Bool { !contains(where: \.isNewline) }
}
