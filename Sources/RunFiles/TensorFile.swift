import Files
import Foundation

/// A safetensors file open for reading: named tensors and a dictionary of text, nothing that runs.
///
/// ```swift
/// let file = try TensorFile(reading: run.weightsFile)
/// let bias = try file.values(of: "output.bias", shape: [256], as: Float.self)
/// ```
///
/// Opening reads and checks the header alone. Values are read straight to where they belong, and only
/// when their type and shape are what the caller expects, so a damaged or foreign file can make
/// nobody allocate more than the model in hand needs. Values are not interpreted: a NaN is bits.
///
/// The format: 8 bytes of header length (little-endian), the header (JSON), the data.
/// https://huggingface.co/docs/safetensors
public struct TensorFile: Sendable {
  public let path: String
  /// In the order in which they were written.
  public let tensors: [TensorDescription]
  public let metadata: [String: String]

  private let read: Read
  private let dataStart: Int
  private let ranges: [Range<Int>]
  private let index: [String: Int]

  /// Fills a buffer with the bytes that start at an offset.
  typealias Read = @Sendable (Int, UnsafeMutableRawBufferPointer) throws -> Void

  /// Opens `path` and checks that it is whole. Throws a `FileError` that names the file, the
  /// field, what was expected and what was found.
  public init(reading path: String) throws {
    let file = try OpenFile(reading: path)
    try self.init(path: path, size: file.size) { try file.read(at: $0, into: $1) }
  }

  /// A file of `size` bytes, wherever they come from.
  init(path: String, size: Int, read: @escaping Read) throws {
    guard size >= 8 else {
      throw FileError(path, "header length", expected: "8 bytes", found: "\(size)")
    }
    var length: UInt64 = 0
    try withUnsafeMutableBytes(of: &length) { try read(0, $0) }
    let limit = min(TensorHeader.maximumCount, size - 8)
    length = UInt64(littleEndian: length)
    guard length <= UInt64(limit) else {
      throw FileError(
        path, "header length", expected: "at most \(limit) bytes", found: "\(length)")
    }
    var json = [UInt8](repeating: 0, count: Int(length))
    try json.withUnsafeMutableBytes { try read(8, $0) }
    dataStart = 8 + json.count
    let header = try TensorHeader(json: json, dataCount: size - dataStart, path: path)
    self.path = path
    self.read = read
    tensors = header.tensors
    ranges = header.ranges
    metadata = header.metadata
    index = Dictionary(
      uniqueKeysWithValues: header.tensors.enumerated().map { ($1.name, $0) })
  }

  /// The values of one tensor, row-major. Throws a `FileError` unless it is there with exactly
  /// this element type and shape.
  public func values<Element: TensorElement>(
    of name: String, shape: [Int], as _: Element.Type = Element.self
  ) throws -> [Element] {
    let range = try range(of: name, type: Element.elementType, shape: shape)
    let count = range.count / MemoryLayout<Element>.stride
    return try [Element](unsafeUninitializedCapacity: count) { buffer, initialised in
      let values = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      try read(dataStart + range.lowerBound, UnsafeMutableRawBufferPointer(values))
      initialised = count
    }
  }

  /// Reads the bytes of one tensor into `buffer`, which must be exactly as long. Throws a
  /// `FileError` unless the tensor is there with exactly this element type and shape.
  public func read(
    _ name: String, type: TensorElementType, shape: [Int],
    into buffer: UnsafeMutableRawBufferPointer
  ) throws {
    let range = try range(of: name, type: type, shape: shape)
    precondition(
      buffer.count == range.count, "\(name) takes \(range.count) bytes, found \(buffer.count)")
    try read(dataStart + range.lowerBound, buffer)
  }

  /// A number or text of the metadata. Throws a `FileError` where it is missing or not one.
  public func metadata<Value: LosslessStringConvertible>(
    _ key: String, as type: Value.Type = Value.self
  ) throws -> Value {
    guard let text = metadata[key] else {
      throw FileError(path, "metadata \(key.quoted)", expected: "a value", found: "nothing")
    }
    guard let value = Value(text) else {
      throw FileError(
        path, "metadata \(key.quoted)", expected: words(for: type), found: text.quoted)
    }
    return value
  }

  private func range(
    of name: String, type: TensorElementType, shape: [Int]
  ) throws -> Range<Int> {
    let field = "tensor \(name.quoted)"
    let expected = "\(type.rawValue) \(shape.brief)"
    guard let index = index[name] else {
      throw FileError(path, field, expected: expected, found: "nothing")
    }
    let found = tensors[index]
    guard found.type == type, found.shape == shape else {
      throw FileError(
        path, field, expected: expected, found: "\(found.type.rawValue) \(found.shape.brief)")
    }
    return ranges[index]
  }
}
