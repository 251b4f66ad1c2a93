import Foundation

/// What is wrong with a file of a run, as one line: the file, the field, what was expected and what
/// was found.
///
///     runs/a/weights.safetensors: tensor 'output.bias': expected F32 [256], found F32 [2]
public struct RunFileError: Error, Equatable, Sendable {
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
    self.init(path, field, problem: "expected \(expected), found \(found)")
  }

  /// A system call's refusal, with the system's own words for it.
  init(_ path: String, cannot action: String, code: Int32 = errno) {
    self.init(path, problem: "cannot \(action): \(String(cString: strerror(code)))")
  }

  /// A refusal that came through Foundation, which keeps the system's own words underneath.
  init(_ path: String, cannot action: String, _ error: any Error) {
    let reason = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    self.init(
      path, problem: "cannot \(action): \((reason ?? error as NSError).localizedDescription)")
  }
}

extension RunFileError: CustomStringConvertible {
  /// One line whatever the file holds: a name with a line break in it is escaped.
  public var description: String {
    [path, field, problem].compactMap { $0 }.joined(separator: ": ").onOneLine
  }
}

extension String {
  /// The string in single quotes, short enough for an error line.
  var quoted: String {
    // Scalars, because one character can be a megabyte of accents.
    let start = unicodeScalars.prefix(60)
    return start.endIndex == endIndex ? "'\(self)'" : "'\(start)…'"
  }

  fileprivate var onOneLine: String {
    unicodeScalars.reduce(into: "") { line, scalar in
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        line += scalar.escaped(asASCII: true)
      default: line.unicodeScalars.append(scalar)
      }
    }
  }
}
