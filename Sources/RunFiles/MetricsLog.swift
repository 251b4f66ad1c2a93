import Files
import Foundation

/// How training stood after one step: a line of `metrics.jsonl`.
public struct MetricsRow: Codable, Equatable, Sendable {
  /// Optimiser steps taken so far.
  public var step: Int
  /// Passes over the training data begun so far.
  public var epoch: Int
  /// Seconds of training, over all its starts.
  public var seconds: Double
  /// Mean training loss since the row before, bits per dimension.
  public var trainBitsPerDimension: Double
  /// Mean negative log-likelihood of the validation images, nats per image; nil where this row did
  /// not measure it.
  public var validationNatsPerImage: Double?
  /// The same in bits per dimension, to compare with training's.
  public var validationBitsPerDimension: Double?
  public var learningRate: Double
  /// Euclidean norm of the gradient, before clipping.
  public var gradientNorm: Double
  public var imagesPerSecond: Double

  public init(
    step: Int, epoch: Int, seconds: Double, trainBitsPerDimension: Double,
    validationNatsPerImage: Double? = nil, validationBitsPerDimension: Double? = nil,
    learningRate: Double, gradientNorm: Double, imagesPerSecond: Double
  ) {
    self.step = step
    self.epoch = epoch
    self.seconds = seconds
    self.trainBitsPerDimension = trainBitsPerDimension
    self.validationNatsPerImage = validationNatsPerImage
    self.validationBitsPerDimension = validationBitsPerDimension
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.imagesPerSecond = imagesPerSecond
  }

  private enum CodingKeys: String, CodingKey {
    case step, epoch, seconds
    case trainBitsPerDimension = "train_bits_per_dimension"
    case validationNatsPerImage = "validation_nats_per_image"
    case validationBitsPerDimension = "validation_bits_per_dimension"
    case learningRate = "learning_rate"
    case gradientNorm = "gradient_norm"
    case imagesPerSecond = "images_per_second"
  }
}

/// The run's metrics as JSON lines, one object a row.
///
/// ```swift
/// let log = try MetricsLog(at: run.metricsFile, keepingStepsThrough: checkpointStep)
/// try log.append(row)
/// let curve = try MetricsLog.rows(of: run.metricsFile)
/// ```
public struct MetricsLog: Sendable {
  private let file: AppendFile

  /// Opens the log at `path` and cuts it after the last row whose step is at most `lastStep`, so that
  /// a resumed run repeats no row. Half a line, as a crash leaves it, is cut too. Throws a
  /// `FileError` that names the line where an earlier one is not a row.
  public init(at path: String, keepingStepsThrough lastStep: Int) throws {
    let exists = access(path, F_OK) == 0
    let kept = exists ? try Self.lines(of: path).prefix { $0.row.step <= lastStep }.last?.end : 0
    file = try AppendFile(at: path, keeping: kept ?? 0)
  }

  /// Adds a row, whole or not at all. Throws a `FileError` with the system's reason, or with the
  /// field that is not finite.
  public func append(_ row: MetricsRow) throws {
    try file.append(try JSONFile.encode(row, for: file.path, as: .sortedKeys))
  }

  /// Returns once every row is on the disk. Call it before a checkpoint is written, which must not
  /// outlive the rows before it.
  public func synchronise() throws {
    try file.synchronise()
  }

  /// All whole rows of the log at `path`, in order. Throws a `FileError` that names the line and
  /// the field where one is not a row.
  public static func rows(of path: String) throws -> [MetricsRow] {
    try lines(of: path).map(\.row)
  }

  /// The rows, each with the offset of the byte after its line.
  private static func lines(of path: String) throws -> [(row: MetricsRow, end: Int)] {
    let data = Data(try OpenFile.contents(of: path))
    var lines: [(row: MetricsRow, end: Int)] = []
    var start = 0
    while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let row = try JSONFile.decode(
        MetricsRow.self, from: data[start..<end], of: path, at: "line \(lines.count + 1)")
      start = end + 1
      lines.append((row, start))
    }
    return lines
  }
}
