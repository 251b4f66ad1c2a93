import Detection
import Files
import Foundation
import Jobs

/// What `drift` says of a batch.
struct DriftResult: Encodable {
  struct Test: Encodable {
    let statistic: Double
    let pValue: Double

    init(_ test: BatchDrift.Test) { (statistic, pValue) = (test.statistic, test.pValue) }
  }

  let run: String
  let images: Int
  let level: Double
  let pValue: Double
  let changed: Bool
  /// The distance between the distributions of how odd images are, 0 … 1.
  let kolmogorovSmirnov: Test
  /// How much less likely the images are on average, nats.
  let typicality: Test?

  init(run: String, _ found: DriftJob.Outcome, level: Double) {
    (self.run, self.level, images) = (run, level, found.images)
    pValue = found.drift.pValue
    changed = pValue <= level
    kolmogorovSmirnov = Test(found.drift.oddness)
    typicality = found.drift.typicality.map(Test.init)
  }

  var text: String {
    var lines = [
      "oddness     distance \(significant(kolmogorovSmirnov.statistic)) from normal images,"
        + " p = \(significant(kolmogorovSmirnov.pValue)) (Kolmogorov-Smirnov)"
    ]
    if let typicality {
      let more = typicality.statistic >= 0
      lines.append(
        "likelihood  \(significant(abs(typicality.statistic))) nats an image"
          + " \(more ? "less" : "more") likely, p = \(significant(typicality.pValue))"
          + " (bootstrap typicality)")
    }
    lines.append(
      "\(counted(images, "image")): \(changed ? "changed" : "as normal ones"),"
        + " p = \(significant(pValue)) at level \(significant(level))")
    return lines.joined(separator: "\n")
  }
}

/// The last line of a stream.
struct DriftSummary: Encodable {
  let images: Int
  let level: Double
  let changed: Bool
  /// The image by which that was known, counted from 1.
  let changedAt: Int?

  init(_ watch: DriftWatch, level: Double) {
    (images, self.level) = (watch.count, level)
    changed = watch.change != nil
    changedAt = watch.change?.image
  }
}

/// Lines of standard input as they come: all that are there, or a wait for the next.
struct IncomingLines {
  private var waiting: [UInt8] = []
  private var isAtEnd = false

  /// - Returns: nil at the end.
  /// - Throws: `FileError` for a line that is not UTF-8, and where it cannot be read.
  mutating func next(atMost most: Int) throws -> [String]? {
    while true {
      var lines: [String] = []
      while lines.count < most, let end = waiting.firstIndex(of: UInt8(ascii: "\n")) {
        try append(waiting[..<end], to: &lines)
        waiting.removeSubrange(...end)
      }
      if !lines.isEmpty { return lines }
      if isAtEnd {
        try append(waiting[...], to: &lines)
        waiting = []
        return lines.isEmpty ? nil : lines
      }
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(STDIN_FILENO, &piece, piece.count)
      if count < 0 && errno != EINTR { throw FileError("standard input", cannot: "read") }
      isAtEnd = count == 0
      waiting += piece.prefix(max(0, count))
    }
  }

  private func append(_ line: ArraySlice<UInt8>, to lines: inout [String]) throws {
    let path = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    guard let text = String(validating: path, as: UTF8.self) else {
      throw FileError(
        "standard input", expected: "paths in UTF-8", found: String(decoding: path, as: UTF8.self))
    }
    if !text.isEmpty { lines.append(text) }
  }
}
