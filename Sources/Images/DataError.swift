/// Why a data set could not be read: one line that names the file, what was expected and what was
/// found.
public struct DataError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file or folder, as the caller named it.
  public let path: String
  /// What is wrong with it.
  public let problem: String

  public init(_ path: String, _ problem: String) {
    self.path = path
    self.problem = problem
  }

  init(_ path: String, expected: String, found: String) {
    // What a file holds in place of a short word may be as long as the file.
    let found = found.count > 300 ? found.prefix(300) + "…" : found
    self.init(path, "expected \(expected), found \(found)")
  }

  public var description: String { oneLine("\(path): \(problem)") }
}

/// `text` with control characters and line separators escaped: a file's name may hold a line break, a message may not.
func oneLine(_ text: String) -> String {
  var line = ""
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: line += scalar.escaped(asASCII: true)
    default: line.unicodeScalars.append(scalar)
    }
  }
  return line
}

/// The product of `factors`, or nil where one is negative or the product does not fit: dimensions
/// that a file claims are multiplied here and nowhere else.
func checkedProduct(_ factors: [Int]) -> Int? {
  var product = 1
  for factor in factors {
    guard factor >= 0 else { return nil }
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    product = next
  }
  return product
}
