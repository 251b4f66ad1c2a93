import Files

/// Values as bytes, one after the other; numbers are little-endian.
struct Packing {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ number: Int) {
    withUnsafeBytes(of: Int64(number).littleEndian) { bytes += $0 }
  }

  mutating func add(_ number: Double) {
    withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += $0 }
  }

  mutating func add(_ truth: Bool) { bytes.append(truth ? 1 : 0) }

  mutating func add(_ values: some Collection<UInt8>) {
    add(values.count)
    bytes += values
  }

  mutating func add(_ text: String) { add(text.utf8) }

  /// Something or nothing.
  mutating func add<Value>(_ value: Value?, _ pack: (inout Packing, Value) -> Void) {
    add(value != nil)
    if let value { pack(&self, value) }
  }

  mutating func add<Value>(each values: [Value], _ pack: (inout Packing, Value) -> Void) {
    add(values.count)
    for value in values { pack(&self, value) }
  }
}

/// The values of bytes that were packed, in their order.
struct Unpacking {
  private let bytes: UnsafeRawBufferPointer
  private var at: Int
  private let path: String

  /// - Parameter path: of the file that the bytes are in.
  init(_ bytes: UnsafeRawBufferPointer, path: String) {
    (self.bytes, self.path, at) = (bytes, path, 0)
  }

  private mutating func next(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count >= 0, count <= bytes.count - at else {
      throw FileError(path, expected: "a record of this version of scanline", found: "another")
    }
    defer { at += count }
    return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
  }

  mutating func byte() throws -> UInt8 { try next(1)[0] }

  mutating func int() throws -> Int {
    Int(Int64(littleEndian: try next(8).loadUnaligned(as: Int64.self)))
  }

  mutating func double() throws -> Double {
    Double(bitPattern: UInt64(littleEndian: try next(8).loadUnaligned(as: UInt64.self)))
  }

  mutating func truth() throws -> Bool { try byte() != 0 }

  mutating func array() throws -> [UInt8] { Array(try next(int())) }

  mutating func text() throws -> String { String(decoding: try next(int()), as: UTF8.self) }

  mutating func optional<Value>(_ value: (inout Unpacking) throws -> Value) throws -> Value? {
    try truth() ? try value(&self) : nil
  }

  mutating func each<Value>(_ value: (inout Unpacking) throws -> Value) throws -> [Value] {
    let count = try int()
    var values: [Value] = []
    while values.count < count { values.append(try value(&self)) }
    return values
  }
}
