import Files
import RunFiles
import Tensors

/// What the weights of a run are kept in, where it is only to be used.
public enum StoredPrecision: String, CaseIterable, Sendable {
  case float32
  /// Half the bytes; eleven binary digits.
  case float16
}

extension TrainedModel {
  /// Writes the weights alone, for a run that is to be used and not to be trained.
  /// - Throws: `FileError` where one is too large for the precision, and where the disk fails.
  public func writeWeights(to path: String, as precision: StoredPrecision) throws {
    guard precision == .float16 else { return try parameters.write(to: path, metadata: [:]) }
    let sources = try parameters.map { parameter in
      let values = parameter.value.values.map { Float16($0) }
      guard values.allSatisfy(\.isFinite) else {
        throw FileError(
          path, "tensor '\(parameter.name)'",
          expected: "weights of up to \(Float16.greatestFiniteMagnitude), which float16 holds",
          found: "larger ones; keep them as float32")
      }
      return TensorSource(parameter.name, shape: parameter.value.shape.sides, values)
    }
    try TensorFile.write(sources, to: path)
  }
}
