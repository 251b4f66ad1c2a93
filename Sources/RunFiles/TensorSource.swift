import Files

/// A tensor to be written, whose bytes stay where they are until then: nothing is copied.
public struct TensorSource {
  public let description: TensorDescription
  private let withBytes: WithBytes

  /// Lends the bytes to its argument for the length of the call.
  public typealias WithBytes = ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

  /// A tensor of `values`, row-major.
  public init<Element: TensorElement>(_ name: String, shape: [Int], _ values: [Element]) {
    self.init(name, type: Element.elementType, shape: shape) { body in
      try values.withUnsafeBytes(body)
    }
  }

  /// A tensor whose bytes `withBytes` lends, row-major and little-endian.
  public init(
    _ name: String, type: TensorElementType, shape: [Int], withBytes: @escaping WithBytes
  ) {
    precondition(shape.allSatisfy { $0 >= 0 }, "\(name) has shape \(shape)")
    description = TensorDescription(name: name, type: type, shape: shape)
    self.withBytes = withBytes
  }

  fileprivate func write(count: Int, to output: AtomicFile.Output) throws {
    try withBytes { bytes in
      precondition(
        bytes.count == count,
        "\(description.name) \(description.shape) needs \(count) bytes, found \(bytes.count)")
      try output.write(bytes)
    }
  }
}

extension TensorFile {
  /// Writes a safetensors file, atomically; tensors keep their order. Throws a `FileError` with
  /// the system's reason, and then the file that was there before is untouched.
  ///
  /// ```swift
  /// try TensorFile.write(
  ///   [TensorSource("output.bias", shape: [256], bias)], metadata: ["step": "1200"],
  ///   to: run.checkpointFile)
  /// ```
  public static func write(
    _ tensors: [TensorSource], metadata: [String: String] = [:], to path: String
  ) throws {
    let header = TensorHeader(tensors: tensors.map(\.description), metadata: metadata)
    let json = try header.encoded()
    try AtomicFile.write(to: path) { output in
      try withUnsafeBytes(of: UInt64(json.count).littleEndian) { try output.write($0) }
      try json.withUnsafeBytes { try output.write($0) }
      for index in header.layoutOrder {
        try tensors[index].write(count: header.ranges[index].count, to: output)
      }
    }
  }
}
