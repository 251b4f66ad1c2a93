import Files
import Foundation

/// Output for people on standard error and standard output, or one JSON object for machines.
struct Console {
  let json: Bool
  let quiet: Bool

  /// Whether progress overwrites its line; plain lines otherwise.
  static let isTerminal = isatty(STDERR_FILENO) == 1
  static let hasColour =
    isTerminal && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty

  /// Text on standard error. Where nobody reads it any more, as on a terminal that was closed, it is
  /// lost: no reason to lose the work too.
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Foundation.write(STDERR_FILENO, rest.baseAddress, rest.count)
        if count < 0 && errno != EINTR { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[max(0, count)...])
      }
    }
  }

  /// Something that a person should know, on standard error.
  func note(_ line: String) {
    if !quiet { Console.write(line + "\n") }
  }

  /// A warning: shown even where progress is not.
  func warn(_ line: String) {
    let word = Console.hasColour ? "\u{1b}[33mwarning:\u{1b}[0m" : "warning:"
    Console.write("\(word) \(line)\n")
  }

  /// The result: `object` for machines, `text` for people.
  func result(_ object: some Encodable, text: String) throws {
    if json { return try line(object) }
    print(text)
    try flush()
  }

  /// An object of JSON in a line on standard output.
  func line(_ object: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    print(String(decoding: try encoder.encode(object), as: UTF8.self))
    try flush()
  }

  /// What was printed may be all that a verb does.
  private func flush() throws {
    guard fflush(nil) == 0 else { throw FileError("standard output", cannot: "write") }
  }
}

/// `2 h 05 min`, `3 min 20 s`, `12 s`.
func duration(_ seconds: Double) -> String {
  let whole = Int(seconds.rounded())
  if whole >= 3600 { return "\(whole / 3600) h \(padded(whole / 60 % 60)) min" }
  if whole >= 60 { return "\(whole / 60) min \(padded(whole % 60)) s" }
  return "\(whole) s"
}

private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

/// A number with so many decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  String(format: "%.\(decimals)f", value)
}

/// A rate with about three digits.
func short(_ value: Double) -> String { fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0) }

/// A number with at most three significant digits.
func significant(_ value: Double) -> String { String(format: "%.3g", value) }

/// A number that may be undefined, `null` in JSON.
struct OrNull: Encodable {
  let value: Double?

  /// NaN is no value.
  init(_ value: Double?) { self.value = value.flatMap { $0.isNaN ? nil : $0 } }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let value { try container.encode(value) } else { try container.encodeNil() }
  }
}
