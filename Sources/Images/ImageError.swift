/// A file that could not be read or written as asked, in one line: which, what was expected there
/// and what was found.
///
/// ```swift
/// ImageError(path: "a.png", expected: "a PNG image", found: "a truncated file").description
/// // "a.png: expected a PNG image, found a truncated file"
/// ```
public struct ImageError: Error, Equatable, Sendable, CustomStringConvertible {
  public let path: String
  public let expected: String
  public let found: String

  public init(path: String, expected: String, found: String) {
    self.path = path
    self.expected = expected
    self.found = found
  }

  /// One line, whatever characters the path is made of.
  public var description: String {
    let line = "\(path): expected \(expected), found \(found)"
    return String(
      String.UnicodeScalarView(
        line.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }
}
