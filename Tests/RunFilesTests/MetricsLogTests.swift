import Foundation
import RunFiles
import TestSupport
import Testing

@Suite struct MetricsLogTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = TemporaryFolder()
    path = folder.file("metrics.jsonl")
  }

  func row(_ step: Int, validation: Double? = nil) -> MetricsRow {
    MetricsRow(
      step: step, epoch: 1 + step / 100, seconds: Double(step) * 0.1,
      trainBitsPerDimension: 1 / 3, validationNatsPerImage: validation, learningRate: 1e-3,
      gradientNorm: 1e-300, imagesPerSecond: 4096)
  }

  @Test func rowsComeBackExactly() throws {
    let rows = [row(1), row(2, validation: 81.3), row(300)]
    let log = try MetricsLog(at: path, keepingStepsThrough: 0)
    for row in rows { try log.append(row) }
    try log.synchronise()
    #expect(try MetricsLog.rows(of: path) == rows)
  }

  @Test func linesAreTheDocumentedObjects() throws {
    let log = try MetricsLog(at: path, keepingStepsThrough: 0)
    try log.append(row(2, validation: 81.5))
    let text = String(decoding: try bytes(of: path), as: UTF8.self)
    let keys = [
      "epoch", "gradient_norm", "images_per_second", "learning_rate", "seconds", "step",
      "train_bits_per_dimension", "validation_nats_per_image",
    ]
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Double]
    #expect(object?.keys.sorted() == keys)
    #expect(object?["validation_nats_per_image"] == 81.5)
  }

  @Test func resumingCutsRowsAfterTheCheckpoint() throws {
    do {
      let log = try MetricsLog(at: path, keepingStepsThrough: 0)
      for step in 1...5 { try log.append(row(step)) }
    }
    do {
      let log = try MetricsLog(at: path, keepingStepsThrough: 3)
      try log.append(row(4, validation: 1))
    }
    #expect(try MetricsLog.rows(of: path) == [row(1), row(2), row(3), row(4, validation: 1)])
    _ = try MetricsLog(at: path, keepingStepsThrough: -1)
    #expect(try MetricsLog.rows(of: path).isEmpty)
  }

  @Test func halfALineIsDropped() throws {
    do {
      let log = try MetricsLog(at: path, keepingStepsThrough: 0)
      for step in 1...2 { try log.append(row(step)) }
    }
    let whole = try bytes(of: path)
    let lineStart = whole.dropLast().lastIndex(of: UInt8(ascii: "\n"))! + 1
    for count in lineStart..<whole.count {
      put(whole.prefix(count), at: path)
      #expect(try MetricsLog.rows(of: path) == [row(1)])
      try MetricsLog(at: path, keepingStepsThrough: 2).append(row(2))
      #expect(try bytes(of: path) == whole)
    }
  }

  @Test func aDamagedLineIsNamed() throws {
    do {
      let log = try MetricsLog(at: path, keepingStepsThrough: 0)
      for step in 1...2 { try log.append(row(step)) }
    }
    let text = String(decoding: try bytes(of: path), as: UTF8.self)
    let lines = text.split(separator: "\n")
    let broken = lines[1].replacingOccurrences(of: "\"step\":2", with: "\"step\":\"two\"")
    put("\(lines[0])\n\(broken)\n\(lines[1])\n".utf8, at: path)
    expectError(at: path, "line 2: step: expected a whole number, found a string") {
      _ = try MetricsLog(at: path, keepingStepsThrough: 9)
    }
    put("{}\n".utf8, at: path)
    expectError(at: path, "line 1: step: expected a value, found nothing") {
      _ = try MetricsLog.rows(of: path)
    }
  }

  @Test func aNumberThatIsNotFiniteIsRefused() throws {
    let log = try MetricsLog(at: path, keepingStepsThrough: 0)
    var row = row(1)
    row.gradientNorm = .nan
    expectError(at: path, "gradient_norm: expected a finite number, found nan") {
      try log.append(row)
    }
    #expect(try bytes(of: path).isEmpty)
  }

  /// The disk is full as a limit on file sizes, which is a process's own, so in one of its own.
  @Test func aRowThatDoesNotFitIsNotThereAtAll() async {
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      let path = folder.file("metrics.jsonl")
      let log = try MetricsLog(at: path, keepingStepsThrough: 0)
      let row = MetricsRow(
        step: 1, epoch: 1, seconds: 1, trainBitsPerDimension: 1, learningRate: 1, gradientNorm: 1,
        imagesPerSecond: 1)
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4096, rlim_max: rlim_t.max)
      setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
      expectError(at: path, "cannot append") { while true { try log.append(row) } }
      #expect(try bytes(of: path).last == UInt8(ascii: "\n"))
      #expect(try MetricsLog.rows(of: path).allSatisfy { $0 == row })
    }
  }
}
