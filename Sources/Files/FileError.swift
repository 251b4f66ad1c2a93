import Foundation

/// What is wrong with a file or a folder, as one line: its path, the field, what was expected and
/// what was found, or what the system would not do.
///
///     runs/a/weights.safetensors: tensor 'output.bias': expected F32 [256], found F32 [2]
///     photos/cut.png: expected a whole PNG image, found its end after 60 bytes
///     scores.csv: cannot write: No space left on device
public struct FileError: Error, Equatable, Sendable {
  /// The file or folder, as the caller named it.
  public let path: String
  /// The part of it, where there is one: a tensor, a key, a line.
  public let field: String?
  /// "expected …, found …", or what the system would not do.
  public let problem: String

  public init(_ path: String, _ field: String? = nil, problem: String) {
    self.path = path
    self.field = field
    self.problem = problem
  }

  public init(_ path: String, _ field: String? = nil, expected: String, found: String) {
    // What a file holds in place of a short word may be as long as the file.
    let found = found.count > 300 ? found.prefix(300) + "…" : found
    self.init(path, field, problem: "expected \(expected), found \(found)")
  }

  /// A system call's refusal, with the system's own words for it.
  package init(_ path: String, cannot action: String, code: Int32 = errno) {
    self.init(path, problem: "cannot \(action): \(String(cString: strerror(code)))")
  }

  /// A refusal that came through Foundation, which keeps the system's own words underneath.
  package init(_ path: String, cannot action: String, _ error: any Error) {
    let error = error as NSError
    let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
    if cause.domain == NSPOSIXErrorDomain {
      self.init(path, cannot: action, code: Int32(cause.code))
    } else {
      self.init(path, problem: "cannot \(action): \(cause.localizedDescription)")
    }
  }
}

extension FileError: CustomStringConvertible {
  /// One line whatever the path and the file hold: a name with a line break in it is escaped.
  public var description: String {
    [path, field, problem].compactMap { $0 }.joined(separator: ": ").onOneLine
  }
}

extension Error {
  /// What is wrong, on one line, without the name of the file that it is of.
  package var reason: String { ((self as? FileError)?.problem ?? "\(self)").onOneLine }
}

extension String {
  /// The string with control characters and line separators escaped.
  package var onOneLine: String {
    unicodeScalars.reduce(into: "") { line, scalar in
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: line += scalar.escaped(asASCII: true)
      default: line.unicodeScalars.append(scalar)
      }
    }
  }
}
