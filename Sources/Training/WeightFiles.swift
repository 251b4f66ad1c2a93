import Files
import Layers
import RunFiles
import Tensors

extension TensorSource {
  /// A float32 tensor under a name.
  init(_ name: String, _ tensor: Tensor) {
    precondition(tensor.precision == .float32, "weights are kept in float32")
    self.init(name, type: .float32, shape: tensor.shape.sides) { try tensor.withBytes($0) }
  }
}

extension TensorFile {
  /// Reads a tensor of float32, stored as that or as float16, in place.
  /// - Throws: `FileError` for a tensor that is missing, of another shape, not finite, or not zero
  ///   where the mask is: such a weight would let an output see the future.
  func readChecked(_ name: String, into tensor: Tensor, mask: Tensor?) throws {
    precondition(tensor.precision == .float32, "weights are kept in float32")
    let sides = tensor.shape.sides
    if tensors.contains(where: { $0.name == name && $0.type == .float16 }) {
      let halves = try values(of: name, shape: sides, as: Float16.self)
      tensor.withMutableBytes { bytes in
        for (i, value) in halves.enumerated() {
          bytes.storeBytes(of: Float(value), toByteOffset: 4 * i, as: Float.self)
        }
      }
    } else {
      try tensor.withMutableBytes { try read(name, type: .float32, shape: sides, into: $0) }
    }
    try tensor.withBytes { bytes in
      let values = bytes.bindMemory(to: Float.self)
      guard values.allSatisfy(\.isFinite) else {
        throw FileError(
          path, "tensor '\(name)'", expected: "finite numbers", found: "infinity or NaN")
      }
      try mask?.withBytes { mask in
        guard zip(values, mask.bindMemory(to: Float.self)).allSatisfy({ $0 == 0 || $1 != 0 })
        else {
          throw FileError(
            path, "tensor '\(name)'", expected: "zeros where the mask is",
            found: "a weight that would see the future")
        }
      }
    }
  }

  /// Refuses a file that holds something else than the named tensors.
  func requireExactly(_ names: Set<String>) throws {
    for tensor in tensors where !names.contains(tensor.name) {
      throw FileError(
        path, "tensor '\(tensor.name)'", expected: "none of that name in this model",
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
  /// - Throws: `FileError` for a file that is damaged or of another model.
  func read(from path: String) throws {
    let file = try TensorFile(reading: path)
    try file.requireExactly(Set(map(\.name)))
    for parameter in self {
      try file.readChecked(parameter.name, into: parameter.value, mask: parameter.mask)
    }
  }
}
