import Files
import Foundation

/// Values kept as JSON a person can read and compare: indented, keys sorted, slashes as they are.
///
/// ```swift
/// try JSONFile.write(calibration, to: run.calibrationFile)
/// let calibration = try JSONFile.read(Calibration.self, from: run.calibrationFile)
/// ```
public enum JSONFile {
  /// Replaces the file at `path`, atomically. Throws a `FileError`; a number that JSON cannot hold
  /// (not finite) is named by its field.
  public static func write(_ value: some Encodable, to path: String) throws {
    let json = try encode(
      value, for: path, as: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    try AtomicFile.write(json, to: path)
  }

  /// Reads the file at `path`. Throws a `FileError` that names the field that is missing or not
  /// of its type, or the place where the file stops being JSON.
  public static func read<Value: Decodable>(
    _ type: Value.Type, from path: String
  ) throws -> Value {
    try decode(type, from: Data(try OpenFile.contents(of: path)), of: path)
  }

  /// One value and a line feed.
  static func encode(
    _ value: some Encodable, for path: String, as format: JSONEncoder.OutputFormatting
  ) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format
    do {
      return try encoder.encode(value) + Data("\n".utf8)
    } catch EncodingError.invalidValue(let value, let context) {
      throw FileError(
        path, context.codingPath.dotted, expected: "a finite number", found: "\(value)")
    }
  }

  /// Decodes JSON that was found in the file at `path`, at `place` within it.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from json: Data, of path: String, at place: String? = nil
  ) throws -> Value {
    do {
      return try JSONDecoder().decode(type, from: json)
    } catch let error as DecodingError {
      let (codingPath, problem) = diagnosis(of: error, decoding: type, from: json)
      let field = [place, codingPath.isEmpty ? nil : codingPath.dotted].compactMap { $0 }
      throw FileError(
        path, field.isEmpty ? nil : field.joined(separator: ": "), problem: problem)
    }
  }
}

extension [any CodingKey] {
  /// `model.layers[2].width`
  fileprivate var dotted: String {
    reduce(into: "") { path, key in
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
  }
}
