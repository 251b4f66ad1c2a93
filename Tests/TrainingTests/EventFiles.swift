import Foundation
import TestSupport
import Testing

/// The steps that TensorBoard shows of each curve of a run, file after file: a start forgets what
/// earlier files say from its step on.
func shownSteps(_ run: String) throws -> [String: [UInt64]] {
  let folder = "\(run)/events"
  var steps: [String: [UInt64]] = [:]
  // Named by the second of their start and, within it, by a number.
  let names = try FileManager.default.contentsOfDirectory(atPath: folder)
  for name in names.sorted(by: { $0.compare($1, options: .numeric) == .orderedAscending }) {
    var file = Array(try bytes(of: "\(folder)/\(name)"))[...]
    while !file.isEmpty {
      let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let event = try fields(file.dropFirst(12).prefix(length))
      file = file.dropFirst(12 + length + 4)
      let step = event[2]?.number ?? 0
      if event[7] != nil { steps = steps.mapValues { $0.filter { $0 < step } } }
      if let summary = event[5]?.bytes {
        let value = try fields(try #require(try fields(summary)[1]?.bytes))
        steps[String(decoding: try #require(value[1]?.bytes), as: UTF8.self), default: []]
          .append(step)
      }
    }
  }
  return steps
}

/// The fields of a protocol buffer message, by number.
private func fields(_ message: ArraySlice<UInt8>) throws -> [UInt64: (
  number: UInt64, bytes: ArraySlice<UInt8>
)] {
  var rest = message
  func varint() throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = rest.popFirst()
      let byte = try #require(next)
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }
  var fields: [UInt64: (number: UInt64, bytes: ArraySlice<UInt8>)] = [:]
  while !rest.isEmpty {
    let key = try varint()
    switch key & 7 {
    case 0: fields[key >> 3] = (try varint(), [])
    case let type:
      let length = type == 2 ? Int(try varint()) : type == 1 ? 8 : 4
      fields[key >> 3] = (0, rest.prefix(length))
      rest = rest.dropFirst(length)
    }
  }
  return fields
}
