import Foundation
import RunFiles
import Testing

@Suite struct AtomicFileTests {
  @Test func replacesAndLeavesNothingElse() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a.json")
    try AtomicFile.write([1, 2, 3] as [UInt8], to: path)
    try AtomicFile.write([4] as [UInt8], to: path)
    #expect(try bytes(of: path) == [4])
    #expect(try folder.names() == ["a.json"])
  }

  @Test func anErrorHalfWayLeavesTheOldFile() throws {
    struct Stop: Error {}
    let folder = try TemporaryFolder()
    let path = folder.file("a.json")
    try AtomicFile.write([1] as [UInt8], to: path)
    #expect(throws: Stop.self) {
      try AtomicFile.write(to: path) { output in
        try [UInt8](repeating: 2, count: 100).withUnsafeBytes { try output.write($0) }
        throw Stop()
      }
    }
    #expect(try bytes(of: path) == [1])
    #expect(try folder.names() == ["a.json"])
  }

  /// The disk is full as a limit on file sizes, which is a process's own, so in one of its own.
  @Test func aFullDiskLeavesTheOldFile() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let path = folder.file("weights.safetensors")
      try AtomicFile.write([1] as [UInt8], to: path)
      let logPath = folder.file("metrics.jsonl")
      let log = try MetricsLog(at: logPath, keepingStepsThrough: 0)
      let row = MetricsRow(
        step: 1, epoch: 1, seconds: 1, trainBitsPerDimension: 1, learningRate: 1, gradientNorm: 1,
        imagesPerSecond: 1)
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4096, rlim_max: rlim_t.max)
      setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE

      let values = [Float](repeating: 1, count: 10_000)
      expectError(at: path, "cannot write: File too large") {
        try TensorFile.write([TensorSource("a", shape: [10_000], values)], to: path)
      }
      #expect(try bytes(of: path) == [1])
      #expect(try folder.names().sorted() == ["metrics.jsonl", "weights.safetensors"])

      // A row that does not fit whole is not there at all.
      expectError(at: logPath, "cannot append") { while true { try log.append(row) } }
      let text = try bytes(of: logPath)
      #expect(text.last == UInt8(ascii: "\n"))
      #expect(try MetricsLog.rows(of: logPath).allSatisfy { $0 == row })
    }
  }

  @Test func refusalsNameThePathAndTheReason() throws {
    let folder = try TemporaryFolder()
    let missing = folder.file("none/a.json")
    expectError(at: missing, "cannot write: No such file") {
      try AtomicFile.write([1] as [UInt8], to: missing)
    }
    try put([1], at: folder.file("file"))
    let below = folder.file("file/a.json")
    expectError(at: below, "Not a directory") { try AtomicFile.write([1] as [UInt8], to: below) }
    expectError(at: folder.path, "cannot replace") {
      try AtomicFile.write([1] as [UInt8], to: folder.path)
    }
  }
}
