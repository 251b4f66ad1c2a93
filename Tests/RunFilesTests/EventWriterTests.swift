import Files
import Foundation
import RunFiles
import TestSupport
import Testing

/// Decodes event files from the formats' definitions: bit by bit checksum, field by field message.
@Suite struct EventWriterTests {
  @Test func theTestsOwnChecksumIsCastagnolis() {
    #expect(checksum(Array("123456789".utf8)) == 0xe306_9283)
    #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)  // RFC 3720, B.4
  }

  @Test func recordsAreFramedAndSayWhatWasWritten() throws {
    let folder = TemporaryFolder()
    let start = Date(timeIntervalSince1970: 1_700_000_000.5)
    let events = try EventWriter(in: folder.path, firstStep: 301, start: start)
    try events.scalar("loss", -2.5, step: 302, at: start + 1)
    let png = [UInt8](repeating: 7, count: 300)
    try events.image("samples", png: png, width: 28, height: 14, channels: 3, step: -1, at: start)

    #expect(events.path == folder.file("events.out.tfevents.1700000000.scanline"))
    let records = try records(of: events.path)
    #expect(records.count == 4)

    var event = try #require(message(records[0]))
    #expect(event[1] == .fixed(start.timeIntervalSince1970.bitPattern))
    #expect(event[3] == .bytes(Array("brain.Event:2".utf8)))

    event = try #require(message(records[1]))
    #expect(event[2] == .varint(301))
    #expect(event[7] == .bytes([0x08, 0x01]))

    event = try #require(message(records[2]))
    #expect(event[1] == .fixed((start + 1).timeIntervalSince1970.bitPattern))
    #expect(event[2] == .varint(302))
    var value = try #require(event[5]?.message?[1]?.message)
    #expect(value[1] == .bytes(Array("loss".utf8)))
    #expect(value[2] == .fixed(UInt64(Float(-2.5).bitPattern)))

    event = try #require(message(records[3]))
    #expect(event[2] == .varint(.max))  // -1 as int64
    value = try #require(event[5]?.message?[1]?.message)
    let image = try #require(value[4]?.message)
    #expect(image == [1: .varint(14), 2: .varint(28), 3: .varint(3), 4: .bytes(png)])
  }

  @Test func everyStartHasAFileOfItsOwn() throws {
    let folder = TemporaryFolder()
    let start = Date(timeIntervalSince1970: 1_700_000_000)
    for _ in 0..<3 { _ = try EventWriter(in: folder.path, start: start) }
    #expect(try folder.names().count == 3)
    #expect(throws: FileError.self) { try EventWriter(in: folder.file("none")) }
  }
}

private enum Field: Equatable {
  case varint(UInt64)
  case fixed(UInt64)
  case bytes([UInt8])

  var message: [UInt64: Field]? {
    if case .bytes(let bytes) = self { RunFilesTests.message(bytes) } else { nil }
  }
}

private func message(_ bytes: [UInt8]) -> [UInt64: Field]? {
  var fields: [UInt64: Field] = [:]
  var rest = bytes[...]
  func varint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
  func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
  while !rest.isEmpty {
    guard let key = varint() else { return nil }
    switch key & 7 {
    case 0: fields[key >> 3] = varint().map(Field.varint)
    case 1: fields[key >> 3] = take(8).map { .fixed(number($0)) }
    case 5: fields[key >> 3] = take(4).map { .fixed(number($0)) }
    case 2: fields[key >> 3] = varint().flatMap { take(Int($0)) }.map { .bytes(Array($0)) }
    default: return nil
    }
  }
  return fields
}

private func records(of path: String) throws -> [[UInt8]] {
  var rest = try bytes(of: path)[...]
  var records: [[UInt8]] = []
  while !rest.isEmpty {
    let length = rest.prefix(8)
    rest = rest.dropFirst(8)
    #expect(number(rest.prefix(4)) == UInt64(masked(checksum(Array(length)))))
    rest = rest.dropFirst(4)
    let data = Array(rest.prefix(Int(number(length))))
    #expect(data.count == Int(number(length)))
    rest = rest.dropFirst(data.count)
    #expect(number(rest.prefix(4)) == UInt64(masked(checksum(data))))
    rest = rest.dropFirst(4)
    records.append(data)
  }
  return records
}

private func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
}

private func masked(_ crc: UInt32) -> UInt32 {
  (crc >> 15 | crc << 17) &+ 0xa282_ead8
}

private func checksum(_ bytes: [UInt8]) -> UInt32 {
  var crc: UInt32 = .max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1) &* 0x82f6_3b78 }
  }
  return ~crc
}
