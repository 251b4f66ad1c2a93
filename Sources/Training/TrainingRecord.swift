import Images
import RunFiles

/// How a training goes, written down twice: metrics for programs, events for TensorBoard.
struct TrainingRecord {
  private let metrics: MetricsLog
  private let events: EventWriter

  /// Goes on with the record of a run after a step: what a killed training noted of later steps,
  /// which are now done again, is taken back.
  init(of run: RunFolder, after step: Int) throws {
    metrics = try MetricsLog(at: run.metricsFile, keepingStepsThrough: step)
    events = try EventWriter(in: run.eventsFolder, firstStep: step + 1)
  }

  func note(_ row: MetricsRow) throws {
    try metrics.append(row)
    let scalars = [
      ("train/bits_per_dimension", row.trainBitsPerDimension),
      ("train/learning_rate", row.learningRate),
      ("train/gradient_norm", row.gradientNorm),
      ("train/images_per_second", row.imagesPerSecond),
    ]
    for (tag, value) in scalars { try events.scalar(tag, value, step: row.step) }
    for (tag, loss) in [
      ("validation/nats_per_image", row.validationNatsPerImage),
      ("validation/bits_per_dimension", row.validationBitsPerDimension),
    ] {
      if let loss { try events.scalar(tag, loss, step: row.step) }
    }
  }

  func note(_ image: Image, as tag: String, step: Int) throws {
    try events.image(
      tag, png: image.encodedPNG(), width: image.width, height: image.height,
      channels: image.channels, step: step)
  }

  /// Returns once the metrics are on the disk: a checkpoint must not outlive the rows before it.
  func synchronise() throws { try metrics.synchronise() }
}
