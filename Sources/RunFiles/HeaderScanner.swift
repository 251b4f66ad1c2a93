import Files
import Foundation

/// Reads the JSON of a safetensors header, front to back: objects, strings, lists of whole numbers,
/// and nothing else. Foundation's decoder is no use here: it keeps neither the order of keys nor a
/// sign of a duplicate.
struct HeaderScanner {
  private let bytes: [UInt8]
  private let path: String
  private var position = 0
  /// What is being read, for errors.
  var field = "header"

  init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// Hands each key of an object to `member`, which reads the value.
  mutating func object(_ member: (inout Self, String) throws -> Void) throws {
    var keys: Set<String> = []
    try expect("{")
    if take("}") { return }
    repeat {
      let key = try string()
      guard keys.insert(key).inserted else {
        throw FileError(path, field, expected: "\(key.quoted) once", found: "it twice")
      }
      try expect(":")
      try member(&self, key)
    } while take(",")
    try expect("}")
  }

  mutating func string() throws -> String {
    try expect("\"")
    let start = position
    var hasEscape = false
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] >= 0x20 {
      if bytes[position] == UInt8(ascii: "\\") {
        hasEscape = true
        position += 1
      }
      position += 1
    }
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      throw unexpected("the end of a string")
    }
    let content = bytes[start..<position]
    let text =
      hasEscape
      ? try? JSONDecoder().decode(String.self, from: Data(bytes[start - 1...position]))
      : String(validating: content, as: UTF8.self)
    guard let text else {
      throw FileError(path, "\(field), byte \(start)", expected: "text", found: "bad UTF-8")
    }
    position += 1
    return text
  }

  mutating func wholeNumbers() throws -> [Int] {
    var numbers: [Int] = []
    try expect("[")
    if take("]") { return numbers }
    repeat { numbers.append(try wholeNumber()) } while take(",")
    try expect("]")
    return numbers
  }

  /// Nothing but the padding may follow.
  mutating func end() throws {
    skipSpace()
    guard position == bytes.count else { throw unexpected("the end of the header") }
  }

  private mutating func wholeNumber() throws -> Int {
    skipSpace()
    let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty else { throw unexpected("a whole number") }
    guard digits.count == 1 || digits.first != UInt8(ascii: "0"),
      let number = Int(String(decoding: digits, as: UTF8.self))
    else {
      throw FileError(
        path, field, expected: "a whole number",
        found: String(decoding: digits, as: UTF8.self).quoted)
    }
    position += digits.count
    return number
  }

  private mutating func expect(_ character: Unicode.Scalar) throws {
    guard take(character) else { throw unexpected("'\(character)'") }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) {
      position += 1
    }
  }

  private func unexpected(_ expected: String) -> FileError {
    let found =
      position < bytes.count
      ? "'\(Unicode.Scalar(bytes[position]).escaped(asASCII: true))'" : "the end"
    return FileError(path, "\(field), byte \(position)", expected: expected, found: found)
  }
}
