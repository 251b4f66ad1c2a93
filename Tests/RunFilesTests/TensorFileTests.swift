import Files
import Foundation
import RunFiles
import TestSupport
import Testing

@Suite struct TensorFileTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = TemporaryFolder()
    path = folder.file("weights.safetensors")
  }

  /// A safetensors file by hand: the format's own definition, not the writer's.
  func assemble(_ header: String, data: Int = 0, length: UInt64? = nil) throws {
    let count = length ?? UInt64(header.utf8.count)
    put(
      (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + Array(header.utf8)
        + (0..<data).map { UInt8($0 % 251) },
      at: path)
  }

  func expectRefused(_ says: String..., sourceLocation: SourceLocation = #_sourceLocation) {
    for says in says {
      expectError(at: path, says, sourceLocation: sourceLocation) {
        _ = try TensorFile(reading: path)
      }
    }
  }

  func writeSmall() throws {
    try TensorFile.write(
      [
        TensorSource("mask", shape: [3], [1, 2, 3] as [UInt8]),
        TensorSource(
          "layers.0/weight", shape: [2, 3], [1, -2, .nan, .infinity, 0, -0.0] as [Float]),
        TensorSource("step \"1\"\n", shape: [], [-7] as [Int64]),
        TensorSource("none", shape: [4, 0], [] as [Double]),
      ],
      metadata: ["step": "1200", "note": "a/b \"é\""], to: path)
  }

  @Test func roundTripKeepsOrderShapesBitsAndMetadata() throws {
    try writeSmall()
    let file = try TensorFile(reading: path)
    #expect(file.tensors.map(\.name) == ["mask", "layers.0/weight", "step \"1\"\n", "none"])
    #expect(file.tensors.map(\.type) == [.uint8, .float32, .int64, .float64])
    #expect(file.tensors.map(\.shape) == [[3], [2, 3], [], [4, 0]])
    #expect(file.metadata == ["step": "1200", "note": "a/b \"é\""])
    #expect(try file.values(of: "mask", shape: [3]) == [1, 2, 3] as [UInt8])
    #expect(try file.values(of: "step \"1\"\n", shape: []) == [-7] as [Int64])
    #expect(try file.values(of: "none", shape: [4, 0], as: Double.self).isEmpty)
    let weight = try file.values(of: "layers.0/weight", shape: [2, 3], as: Float.self)
    let expected: [Float] = [1, -2, .nan, .infinity, 0, -0.0]
    #expect(weight.map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test func layoutIsTheFormats() throws {
    try TensorFile.write(
      [
        TensorSource("b", shape: [1], [9] as [UInt8]),
        TensorSource("a", shape: [2], [1, 2] as [Float]),
      ], to: path)
    let header =
      #"{"b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]},"#
      + #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let written = try bytes(of: path)
    #expect(written.prefix(8) == [UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0])
    #expect(written.dropFirst(8).prefix(padded.utf8.count) == Array(padded.utf8)[...])
    #expect(written.suffix(9) == [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 9])
  }

  @Test func bytesGoInAndOutRaw() throws {
    let halves: [UInt16] = [0x3f80, 0x7fc1]  // bfloat16 one, and a NaN with a payload
    try TensorFile.write(
      [
        TensorSource("h", type: .bfloat16, shape: [2]) { body in try halves.withUnsafeBytes(body) }
      ], to: path)
    var found: [UInt16] = [0, 0]
    try found.withUnsafeMutableBytes {
      try TensorFile(reading: path).read("h", type: .bfloat16, shape: [2], into: $0)
    }
    #expect(found == halves)
  }

  @Test func anOpenFileOutlivesItsReplacement() throws {
    try TensorFile.write([TensorSource("a", shape: [1], [1] as [Float])], to: path)
    let old = try TensorFile(reading: path)
    try TensorFile.write([TensorSource("a", shape: [1], [2] as [Float])], to: path)
    #expect(try old.values(of: "a", shape: [1]) == [1] as [Float])
    #expect(try TensorFile(reading: path).values(of: "a", shape: [1]) == [2] as [Float])
  }

  @Test func whatTheModelDoesNotExpectIsNamed() throws {
    try writeSmall()
    let file = try TensorFile(reading: path)
    expectError(at: path, "tensor 'mask'", "expected U8 [4]", "found U8 [3]") {
      _ = try file.values(of: "mask", shape: [4], as: UInt8.self)
    }
    expectError(at: path, "tensor 'mask'", "expected F32 [3]", "found U8 [3]") {
      _ = try file.values(of: "mask", shape: [3], as: Float.self)
    }
    expectError(at: path, "tensor 'bias'", "expected F32 [3]", "found nothing") {
      _ = try file.values(of: "bias", shape: [3], as: Float.self)
    }
    #expect(try file.metadata("step") == 1200)
    expectError(at: path, "metadata 'note'", "expected a whole number", "found 'a/b") {
      _ = try file.metadata("note", as: Int.self)
    }
    expectError(at: path, "metadata 'epoch'", "found nothing") {
      _ = try file.metadata("epoch", as: Int.self)
    }
  }

  @Test func absurdHeaderLengthsAreRefused() throws {
    for length in [1 << 63, .max, 100_000_001, 3] as [UInt64] {
      try assemble("{}", length: length)
      expectRefused("header length", "at most 2 bytes", "found \(length)")
    }
    // A hole of a file: its size allows the header, the format does not.
    try assemble("{}", length: 100_000_001)
    #expect(truncate(path, 200_000_000) == 0)
    expectRefused("header length", "at most 100000000 bytes", "found 100000001")
  }

  @Test func aTensorOfAnySizeIsRefusedBeforeItIsAllocated() throws {
    try assemble(#"{"a":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#)
    expectRefused("data", "expected 1099511627776 bytes", "found 0")
    // A sparse file really is that long, and still only the caller's shape is read.
    #expect(truncate(path, off_t(try bytes(of: path).count) + 1_099_511_627_776) == 0)
    expectError(at: path, "expected U8 [3]", "found U8 [1099511627776]") {
      _ = try TensorFile(reading: path).values(of: "a", shape: [3], as: UInt8.self)
    }
  }

  @Test(arguments: [
    (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,3]}}"#, 3, "data_offsets"),
    (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#, 4, "data_offsets"),
    (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,8]}}"#, 4, "data_offsets"),
    (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 5, "found 5"),
    (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 3, "found 3"),
    (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}}"#, 5, "a begin at 0"),
    (
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}"#,
      7, "tensor 'b': data_offsets: expected a begin at 4, found 3"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      4, "'a' once"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"\u0061":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      4, "'a' once"
    ),
    (#"{"__metadata__":{"k":"1","k":"2"}}"#, 0, "'k' once"),
    (#"{"__metadata__":{"k":1}}"#, 0, "__metadata__"),
    (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0, "shape"),
    (
      #"{"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0]}}"#, 0, "whole number"
    ),
    (#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}"#, 0, "whole number"),
    (#"{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}"#, 1, "tensor 'a', byte 29"),
    (#"{"a":{"dtype":"U8","shape":[01],"data_offsets":[0,1]}}"#, 1, "whole number"),
    (#"{"a":{"dtype":"F3","shape":[1],"data_offsets":[0,1]}}"#, 1, "dtype: expected one of F64"),
    (#"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, 1, "shape: expected a value"),
    (#"{"a":{"dtype":"U8","shape":[1]}}"#, 1, "data_offsets: expected a value"),
    (#"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, 1, "dtype: expected a value"),
    (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#, 1, "'x'"),
    (#" {}"#, 0, "expected '{'"), (#""#, 0, "expected '{'"), (#"{} x"#, 0, "end of the header"),
    (#"{"a"#, 0, "end of a string"), (#"{"a\"#, 0, "end of a string"),
    (#"{"\ud800":{}}"#, 0, "text"),
    ("{\"a\nb\":{}}", 0, "end of a string"), (#"{"a\nb":[]}"#, 0, #"'a\nb'"#),
  ])
  func damagedHeadersAreRefused(header: String, data: Int, says: String) throws {
    try assemble(header, data: data)
    expectRefused(says)
  }

  @Test func readersOfOtherWritersFiles() throws {
    try assemble(
      #"{ "b" : {"shape":[2], "data_offsets":[1,3], "dtype":"U8"},"a":{"dtype":"U8","#
        + #""shape":[],"data_offsets":[0,1]}}   "#, data: 3)
    let file = try TensorFile(reading: path)
    #expect(try file.values(of: "b", shape: [2]) == [1, 2] as [UInt8])
    #expect(try file.values(of: "a", shape: []) == [0] as [UInt8])
    try assemble("{}")
    #expect(try TensorFile(reading: path).tensors.isEmpty)
  }

  @Test func everyTruncationIsRefused() throws {
    try writeSmall()
    let whole = try bytes(of: path)
    for count in 0..<whole.count {
      put(whole.prefix(count), at: path)
      #expect(throws: FileError.self, "\(count) of \(whole.count) bytes") {
        try TensorFile(reading: path)
      }
    }
    put(whole + [0], at: path)
    expectRefused("data")
  }

  @Test func bitFlipsAreRefusedOrHarmless() throws {
    try writeSmall()
    let whole = try bytes(of: path)
    let headerEnd = 8 + Int(whole[0]) + 256 * Int(whole[1])
    var random = SplitMix(state: 1)
    var refused = 0
    // In place: thousands of new files would have the test wait for the disk.
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    for _ in 0..<4000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<headerEnd, using: &random)] ^=
          1
          << UInt8.random(
            in: 0..<8, using: &random)
      }
      try file.seek(toOffset: 0)
      try file.write(contentsOf: bytes)
      do {
        let file = try TensorFile(reading: path)
        let total = file.tensors.reduce(0) { $0 + $1.shape.reduce($1.type.size, *) }
        #expect(total == whole.count - headerEnd)
      } catch let error as FileError {
        refused += 1
        #expect(error.description.isOneLine)
      }
    }
    #expect(refused > 2000)
  }

  @Test func onlyRegularFilesAreRead() {
    expectError(at: folder.path, "regular file") { _ = try TensorFile(reading: folder.path) }
    expectError(at: path, "No such file") { _ = try TensorFile(reading: path) }
    #expect(mkfifo(path, 0o600) == 0)
    expectError(at: path, "regular file") { _ = try TensorFile(reading: path) }
  }
}

/// A repeatable generator (Steele, Lea and Flood 2014).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
