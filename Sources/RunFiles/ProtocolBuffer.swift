/// A protocol buffer message being written, field by field.
/// https://protobuf.dev/programming-guides/encoding
struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: UInt64, varint value: Int) {
    append(varint: field << 3)
    append(varint: UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: UInt64, double value: Double) {
    append(varint: field << 3 | 1)
    append(littleEndian: value.bitPattern)
  }

  mutating func add(_ field: UInt64, float value: Float) {
    append(varint: field << 3 | 5)
    append(littleEndian: value.bitPattern)
  }

  mutating func add(_ field: UInt64, string value: String) {
    add(field, bytes: Array(value.utf8))
  }

  mutating func add(_ field: UInt64, bytes value: [UInt8]) {
    append(varint: field << 3 | 2)
    append(varint: UInt64(value.count))
    bytes += value
  }

  mutating func add(_ field: UInt64, message: (inout ProtocolBuffer) -> Void) {
    var inner = ProtocolBuffer()
    message(&inner)
    add(field, bytes: inner.bytes)
  }

  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func append(littleEndian value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
