import Layers
import RunFiles
import Tensors

extension TensorSource {
  /// A float32 tensor under a name.
  init(_ name: String, _ tensor: Tensor) {
    precondition(tensor.precision == .float32, "weights are kept in float32")
    self.init(name, type: .float32, shape: tensor.shape.sides) { body in
      try body(UnsafeRawBufferPointer(start: tensor.pointer, count: tensor.byteCount))
    }
  }
}

extension TensorFile {
  /// Reads a float32 tensor in place.
  func read(_ name: String, into tensor: Tensor) throws {
    try read(
      name, type: .float32, shape: tensor.shape.sides,
      into: UnsafeMutableRawBufferPointer(start: tensor.pointer, count: tensor.byteCount))
  }

  /// Refuses a file that holds something else than the named tensors.
  func requireExactly(_ names: Set<String>) throws {
    for tensor in tensors where !names.contains(tensor.name) {
      throw RunFileError(
        path, "tensor \(tensor.name)", expected: "none of that name in this model",
        found: "\(tensor.shape)")
    }
  }
}

extension Array where Element == Parameter {
  /// Writes the values alone.
  func write(to path: String, metadata: [String: String]) throws {
    try TensorFile.write(
      map { TensorSource($0.name, $0.value) }, metadata: metadata, to: path)
  }

  /// Reads the values of a file of exactly these parameters.
  /// - Throws: `RunFileError` for a missing, foreign or non-finite tensor, or one that is not zero
  ///   where the model's mask is: such a weight would let an output see the future.
  func read(from path: String) throws {
    let file = try TensorFile(reading: path)
    try file.requireExactly(Set(map(\.name)))
    for parameter in self {
      try file.read(parameter.name, into: parameter.value)
      let values = parameter.value.floats
      guard values.allSatisfy(\.isFinite) else {
        throw RunFileError(
          path, "tensor \(parameter.name)", expected: "finite numbers", found: "infinity or NaN")
      }
      if let mask = parameter.mask {
        guard zip(values, mask.floats).allSatisfy({ $0 == 0 || $1 != 0 }) else {
          throw RunFileError(
            path, "tensor \(parameter.name)", expected: "zeros where the mask is",
            found: "a weight that would see the future")
        }
      }
    }
  }
}
