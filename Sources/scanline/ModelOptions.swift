import ArgumentParser
import CPU
import Heads
import Models
import Tensors

extension Head.Kind: ExpressibleByArgument {
  /// Refuses a number of levels that it cannot have.
  func require(_ levels: Int) throws {
    guard !self.levels.contains(levels) else { return }
    let own =
      self.levels.count == 1 ? "\(self.levels.lowerBound)" : "2 ... \(self.levels.upperBound)"
    throw ValidationError("--head \(name) has \(own) levels, found --levels \(levels)")
  }
}

enum PrecisionName: String, CaseIterable, ExpressibleByArgument {
  case float32
  case bfloat16

  var precision: Precision { self == .float32 ? .float32 : .bfloat16 }

  /// Refuses what the processor would have to emulate.
  func require(_ flag: String) throws {
    if self == .bfloat16, !CPUBackend.hasBFloat16 {
      throw ValidationError(
        "\(flag): expected float32, the only one that this processor computes in, found bfloat16")
    }
  }
}

/// Refuses a value that a flag does not take.
func expect<Value>(
  _ flag: String, _ value: Value?, _ expected: String, _ isSensible: (Value) -> Bool
) throws {
  if let value, !isSensible(value) {
    throw ValidationError("\(flag): expected \(expected), found \(value)")
  }
}

/// Refuses a path that is empty, as of a variable that is not set, or that means standard input or
/// output elsewhere.
func requirePath(_ flag: String, _ path: String) throws {
  guard path.isEmpty || path == "-" else { return }
  let found = path.isEmpty ? "an empty text" : "-, which stands for no file here"
  throw ValidationError("\(flag): expected a path, found \(found)")
}

/// The values of `--set name=value`, by name.
func parsedSettings(_ words: [String]) throws -> [String: String] {
  var result: [String: String] = [:]
  for setting in words {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw ValidationError("--set: expected name=value, found \(setting)")
    }
    guard result.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
      throw ValidationError("--set: expected \(parts[0]) once, found it twice")
    }
  }
  return result
}

/// Refuses a model that there is not, and settings that it does not have.
func requireModel(_ name: String, _ settings: [String: String]) throws {
  do {
    _ = try ModelSpecification(
      name: name, settings: settings,
      head: Head(ModelFamily.named(name)?.usualHead(ofLevels: 2) ?? .bernoulli, levels: 2),
      image: ImageShape(height: 1, width: 1, channels: 1))
  } catch let error as ModelError {
    throw ValidationError(error.description)
  }
}
