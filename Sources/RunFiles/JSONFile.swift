import Foundation

/// Values kept as JSON a person can read and compare: indented, keys sorted, slashes as they are.
///
/// ```swift
/// try JSONFile.write(calibration, to: run.calibrationFile)
/// let calibration = try JSONFile.read(Calibration.self, from: run.calibrationFile)
/// ```
public enum JSONFile {
  /// Replaces the file at `path`, atomically. Throws a `RunFileError`; a number that JSON cannot hold
  /// (not finite) is named by its field.
  public static func write(_ value: some Encodable, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let json = try namingFields(of: path) { try encoder.encode(value) }
    try AtomicFile.write(json + Data("\n".utf8), to: path)
  }

  /// Reads the file at `path`. Throws a `RunFileError` that names the field that is missing or not
  /// of its type, or the place where the file stops being JSON.
  public static func read<Value: Decodable>(
    _ type: Value.Type, from path: String
  ) throws -> Value {
    let json = try OpenFile.contents(of: path)
    return try namingFields(of: path) { try JSONDecoder().decode(type, from: json) }
  }

  /// Turns the coding errors of `body` into one-line errors about `path`, and `place` within it.
  static func namingFields<Result>(
    of path: String, _ place: String? = nil, _ body: () throws -> Result
  ) throws -> Result {
    func error(_ codingPath: [any CodingKey], _ problem: String) -> RunFileError {
      let field = [place, codingPath.isEmpty ? nil : codingPath.dotted].compactMap { $0 }
      return RunFileError(
        path, field.isEmpty ? nil : field.joined(separator: ": "), problem: problem)
    }
    do {
      return try body()
    } catch DecodingError.keyNotFound(let key, let context) {
      throw error(context.codingPath + [key], "expected a value, found nothing")
    } catch DecodingError.valueNotFound(let type, let context) {
      throw error(context.codingPath, "expected \(type), found null")
    } catch DecodingError.typeMismatch(_, let context) {
      throw error(context.codingPath, context.problem)
    } catch DecodingError.dataCorrupted(let context) {
      throw error(context.codingPath, context.problem)
    } catch EncodingError.invalidValue(let value, let context) {
      throw error(context.codingPath, "expected a finite number, found \(value)")
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

extension DecodingError.Context {
  /// "expected Int, found a string", from Foundation's sentence that says so at more length.
  fileprivate var problem: String {
    let detail = (underlyingError as NSError?)?.userInfo["NSDebugDescription"] as? String
    var text = detail.map { "expected JSON, found: \($0)" } ?? debugDescription
    if text.hasSuffix(".") { text.removeLast() }
    return
      text
      .replacingOccurrences(of: "Expected to decode ", with: "expected ")
      .replacingOccurrences(of: " but found ", with: ", found ")
      .replacingOccurrences(of: " instead", with: "")
  }
}
