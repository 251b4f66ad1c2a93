import Foundation

extension JSONFile {
  /// Where `error` arose, and "expected …, found …".
  static func diagnosis<Value: Decodable>(
    of error: DecodingError, decoding type: Value.Type, from json: Data
  ) -> (codingPath: [any CodingKey], problem: String) {
    switch error {
    case .keyNotFound(let key, let context):
      return (context.codingPath + [key], "expected a value, found nothing")
    case .valueNotFound(let expected, let context):
      return (context.codingPath, "expected \(words(for: expected)), found null")
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      // Foundation says no more than that the data is "not valid JSON".
      if let problem = syntaxProblem(of: json) { return ([], problem) }
      return misfit(decoding: type, from: json) ?? ([], context.problem)
    case .typeMismatch(let expected, let context):
      return (context.codingPath, context.problem(expecting: words(for: expected)))
    case .dataCorrupted(let context):
      return (context.codingPath, context.problem)
    @unknown default:
      return ([], "\(error)")
    }
  }

  /// Why the text is no JSON; nil where it is.
  private static func syntaxProblem(of json: Data) -> String? {
    do {
      _ = try JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed)
      return nil
    } catch {
      let detail = (error as NSError).userInfo["NSDebugDescription"] as? String
      return "expected JSON, found: \(detail ?? error.localizedDescription)"
    }
  }

  /// The number that its whole-number type cannot hold (1.5, -1 for a `UInt8`), which `JSONDecoder`
  /// reports without its place: with a text instead of the number, it reports that with the place.
  private static func misfit<Value: Decodable>(
    decoding type: Value.Type, from json: Data
  ) -> (codingPath: [any CodingKey], problem: String)? {
    guard
      let object = try? JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed)
    else { return nil }
    for index in 0..<1000 {
      var countdown = index
      var number: NSNumber?
      let marked = replacingNumber(&countdown, in: object, replaced: &number)
      guard let number,
        let json = try? JSONSerialization.data(withJSONObject: marked, options: .fragmentsAllowed)
      else { return nil }
      do {
        _ = try JSONDecoder().decode(type, from: json)
      } catch DecodingError.typeMismatch(let type as any FixedWidthInteger.Type, let context)
        where !type.holds(number)
      {
        return (context.codingPath, "expected \(words(for: type)), found \(number)")
      } catch {
        // Another number is the one.
      }
    }
    return nil
  }

  /// `value` with the number that `countdown` others come before as a text.
  private static func replacingNumber(
    _ countdown: inout Int, in value: Any, replaced: inout NSNumber?
  ) -> Any {
    switch value {
    case let array as [Any]:
      return array.map { replacingNumber(&countdown, in: $0, replaced: &replaced) }
    case let object as [String: Any]:
      return object.mapValues { replacingNumber(&countdown, in: $0, replaced: &replaced) }
    case let number as NSNumber:
      countdown -= 1
      guard countdown == -1 else { return number }
      replaced = number
      return "a number"
    default:
      return value
    }
  }
}

extension FixedWidthInteger {
  fileprivate static func holds(_ number: NSNumber) -> Bool {
    Self(exactly: number.doubleValue) != nil
  }
}

extension DecodingError.Context {
  /// "expected a whole number, found a string", from Foundation's sentence that names Swift's types.
  fileprivate func problem(expecting words: String) -> String {
    guard let found = debugDescription.range(of: " but found ") else { return problem }
    return "expected \(words), found \(debugDescription[found.upperBound...])".asProblem
  }

  fileprivate var problem: String {
    // "Cannot initialize PixelEncoding from invalid String value levels-0"
    if let value = debugDescription.range(
      of: "from invalid [A-Za-z]+ value ", options: .regularExpression)
    {
      return "expected one of the values that this field takes, found"
        + " \(String(debugDescription[value.upperBound...]).quoted)"
    }
    return debugDescription.asProblem
  }
}

extension String {
  fileprivate var asProblem: String {
    let sentence = replacingOccurrences(of: " instead", with: "")
      .replacingOccurrences(of: "a dictionary", with: "an object")
    return sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
  }
}
