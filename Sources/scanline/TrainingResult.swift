import Training

/// What `train` prints at its end.
struct TrainingResult: Encodable {
  private let run: String
  private let summary: Trainer.Summary

  init(run: String, _ summary: Trainer.Summary) {
    self.run = run
    self.summary = summary
  }

  private enum CodingKeys: CodingKey {
    case run, epochs, steps, seconds, trainBitsPerDimension, validationNatsPerImage, parameters
    case interrupted
  }

  /// Losses that there are not yet are null, not left out.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(run, forKey: .run)
    try container.encode(summary.epochs, forKey: .epochs)
    try container.encode(summary.steps, forKey: .steps)
    try container.encode(summary.seconds, forKey: .seconds)
    try container.encode(summary.trainBitsPerDimension, forKey: .trainBitsPerDimension)
    try container.encode(summary.validationNatsPerImage, forKey: .validationNatsPerImage)
    try container.encode(summary.parameters, forKey: .parameters)
    try container.encode(summary.interrupted, forKey: .interrupted)
  }

  var text: String {
    let steps = counted(summary.steps, "step")
    let end =
      summary.interrupted
      ? "stopped in epoch \(summary.epochs + 1), after \(steps)"
      : "trained \(counted(summary.epochs, "epoch")) (\(steps))"
    let losses = [
      summary.trainBitsPerDimension.map { ", train \(fixed($0, 4)) bits/dim" },
      summary.validationNatsPerImage.map { ", best validation \(fixed($0, 2)) nats an image" },
    ].compactMap { $0 }.joined()
    return "\(run): \(end) in \(duration(summary.seconds))\(losses)"
  }
}

/// `1 step`, `2 steps`.
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
