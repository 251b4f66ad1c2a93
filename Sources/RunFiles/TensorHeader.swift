import Files
import Foundation

/// A tensor in a file, without its values: name, element type and shape (row-major; `[]` is a
/// scalar).
public struct TensorDescription: Equatable, Sendable {
  public let name: String
  public let type: TensorElementType
  public let shape: [Int]
}

/// The JSON at the head of a safetensors file: what lies where in the bytes that follow it.
struct TensorHeader {
  /// In the order of the header.
  private(set) var tensors: [TensorDescription] = []
  /// Where each tensor lies, counted from the first byte after the header.
  private(set) var ranges: [Range<Int>] = []
  private(set) var metadata: [String: String] = [:]

  /// The longest header that readers of the format accept, in bytes.
  static let maximumCount = 100_000_000
  private static let metadataKey = "__metadata__"

  /// The tensors' indices as their bytes follow one another.
  var layoutOrder: [Int] {
    ranges.indices.sorted {
      (ranges[$0].lowerBound, ranges[$0].upperBound) < (
        ranges[$1].lowerBound, ranges[$1].upperBound
      )
    }
  }
}

// MARK: Reading

extension TensorHeader {
  /// Parses and checks a header that must describe exactly `dataCount` bytes: every tensor's bytes
  /// are as many as its shape says, and together they cover the data once.
  init(json: [UInt8], dataCount: Int, path: String) throws {
    guard json.first == UInt8(ascii: "{") else {
      throw FileError(
        path, "header", expected: "'{'",
        found: json.first.map { "'\(Unicode.Scalar($0).escaped(asASCII: true))'" } ?? "the end")
    }
    var scanner = HeaderScanner(json, path: path)
    try scanner.object { scanner, name in
      if name == Self.metadataKey {
        scanner.field = Self.metadataKey
        try scanner.object { scanner, key in metadata[key] = try scanner.string() }
      } else {
        scanner.field = "tensor \(name.quoted)"
        try readTensor(name, from: &scanner, path: path)
      }
      scanner.field = "header"
    }
    try scanner.end()
    try checkCover(dataCount: dataCount, path: path)
  }

  private mutating func readTensor(
    _ name: String, from scanner: inout HeaderScanner, path: String
  ) throws {
    let field = scanner.field
    func error(_ part: String, _ expected: String, _ found: String) -> FileError {
      FileError(path, "\(field): \(part)", expected: expected, found: found)
    }
    var typeName: String?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.object { scanner, key in
      switch key {
      case "dtype": typeName = try scanner.string()
      case "shape": shape = try scanner.wholeNumbers()
      case "data_offsets": offsets = try scanner.wholeNumbers()
      default: throw error(key.quoted, "dtype, shape or data_offsets", "this key")
      }
    }
    guard let typeName else { throw error("dtype", "a value", "nothing") }
    guard let shape else { throw error("shape", "a value", "nothing") }
    guard let offsets else { throw error("data_offsets", "a value", "nothing") }
    guard let type = TensorElementType(rawValue: typeName) else {
      let known = TensorElementType.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("dtype", "one of \(known)", typeName.quoted)
    }
    guard let count = byteCount(type, shape) else {
      throw error("shape", "a size below 2^63 bytes", "\(shape)".quoted)
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw error("data_offsets", "[begin, end]", "\(offsets)".quoted)
    }
    guard offsets[1] - offsets[0] == count else {
      throw error(
        "data_offsets", "\(count) bytes for \(typeName) \(shape.brief)",
        "\(offsets[1] - offsets[0])")
    }
    tensors.append(TensorDescription(name: name, type: type, shape: shape))
    ranges.append(offsets[0]..<offsets[1])
  }

  /// No byte of the data belongs to two tensors or to none.
  private func checkCover(dataCount: Int, path: String) throws {
    var covered = 0
    for index in layoutOrder {
      guard ranges[index].lowerBound == covered else {
        throw FileError(
          path, "tensor \(tensors[index].name.quoted): data_offsets",
          expected: "a begin at \(covered)", found: "\(ranges[index].lowerBound)")
      }
      covered = ranges[index].upperBound
    }
    guard covered == dataCount else {
      throw FileError(
        path, "data", expected: "\(covered) bytes as the header says", found: "\(dataCount)")
    }
  }
}

// MARK: Writing

extension TensorHeader {
  /// Lays `tensors` out, largest elements first, so that each lies at a multiple of its element's
  /// size.
  init(tensors: [TensorDescription], metadata: [String: String]) {
    precondition(
      Set(tensors.map(\.name)).count == tensors.count
        && !tensors.contains { $0.name == Self.metadataKey },
      "tensor names must differ, and not be \(Self.metadataKey)")
    self.tensors = tensors
    self.metadata = metadata
    ranges = Array(repeating: 0..<0, count: tensors.count)
    var end = 0
    for index in tensors.indices.sorted(by: { tensors[$0].type.size > tensors[$1].type.size }) {
      guard let count = byteCount(tensors[index].type, tensors[index].shape) else {
        preconditionFailure("\(tensors[index]) has no size")
      }
      ranges[index] = end..<end + count
      end += count
    }
  }

  /// The header as JSON, padded with spaces so that the data after it and its length is aligned.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    func quote(_ text: String) throws -> String {
      String(decoding: try encoder.encode(text), as: UTF8.self)
    }
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = try metadata.sorted { $0.key < $1.key }
        .map { "\(try quote($0.key)):\(try quote($0.value))" }
      members.append("\"\(Self.metadataKey)\":{\(pairs.joined(separator: ","))}")
    }
    for (tensor, range) in zip(tensors, ranges) {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(try quote(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
    precondition(json.count <= Self.maximumCount, "a header of \(json.count) bytes")
    return json
  }
}

/// Bytes that a tensor takes; nil where that is more than an `Int` holds.
private func byteCount(_ type: TensorElementType, _ shape: [Int]) -> Int? {
  shape.reduce(type.size) { product, side in
    guard let product else { return nil }
    let (result, overflow) = product.multipliedReportingOverflow(by: side)
    return overflow ? nil : result
  }
}
