import ArgumentParser
import CPU
import Heads
import Jobs
import Models
import Tensors

extension Head.Kind: ExpressibleByArgument {}
extension OptimiserName: ExpressibleByArgument {}

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
  try asUsage { try OptionError.require(flag, value, expected, isSensible) }
}

/// Refuses a path that is empty or that means standard input or output elsewhere.
func requirePath(_ flag: String, _ path: String) throws {
  try asUsage { try OptionError.requirePath(flag, path) }
}

/// Does what refuses a flag; wrong usage has an exit status of its own.
func asUsage(_ check: () throws -> Void) throws {
  do {
    try check()
  } catch let error as OptionError {
    throw ValidationError(error.description)
  } catch let error as ModelError {
    throw ValidationError(error.description)
  }
}

/// A number of a flag, in decimal digits. (Swift reads hexadecimal ones too, which nobody means.)
func decimal(_ text: String) throws -> Double {
  guard let number = Double(text), !text.lowercased().contains("x") else {
    throw ValidationError("expected a decimal number")
  }
  return number
}

/// The values of `--set name=value`, by name.
func parsedSettings(_ words: [String]) throws -> [String: String] {
  var result: [String: String] = [:]
  for setting in words {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw ValidationError("--set: expected name=value, found \(setting)")
    }
    guard !parts[1].contains("=") else {
      throw ValidationError("--set: expected one name=value (repeat --set), found \(setting)")
    }
    guard result.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
      throw ValidationError("--set: expected \(parts[0]) once, found it twice")
    }
  }
  return result
}

/// Refuses a model that there is not, and settings that it does not have.
func requireModel(_ name: String, _ settings: [String: String]) throws {
  try asUsage {
    _ = try ModelSpecification(
      name: name, settings: settings,
      head: Head(ModelFamily.named(name)?.usualHead(ofLevels: 2) ?? .bernoulli, levels: 2),
      image: ImageShape(height: 1, width: 1, channels: 1))
  }
}
