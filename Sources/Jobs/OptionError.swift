/// What is wrong with one of the options of a job: its name as the command spells it, what was expected
/// and what was found.
///
///     --epochs: expected 1 ... 1000000000, found 0
public struct OptionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `--epochs`, `DATA`; of options that exclude each other all.
  public let option: String
  public let expected: String
  public let found: String

  public init(_ option: String, expected: String, found: String) {
    self.option = option
    self.expected = expected
    self.found = found
  }

  public var description: String { "\(option): expected \(expected), found \(found)" }

  /// Refuses a value that an option does not take.
  package static func require<Value>(
    _ option: String, _ value: Value?, _ expected: String, _ isSensible: (Value) -> Bool
  ) throws(OptionError) {
    guard let value, !isSensible(value) else { return }
    throw OptionError(option, expected: expected, found: "\(value)")
  }

  /// Refuses a path that is empty, as of a variable that is not set, or that means standard input or
  /// output elsewhere.
  package static func requirePath(_ option: String, _ path: String) throws(OptionError) {
    guard path.isEmpty || path == "-" else { return }
    throw OptionError(
      option, expected: "a path",
      found: path.isEmpty ? "an empty text" : "-, which stands for no file here")
  }
}
