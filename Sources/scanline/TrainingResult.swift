import Detection
import Jobs
import Training

/// What `train` prints at its end.
struct TrainingResult: Encodable {
  private let run: String
  private let summary: Trainer.Summary
  private let heldOut: Int
  private let controls: [Control.Result]
  private let unit: String

  init(_ outcome: TrainingJob.Outcome) {
    heldOut = outcome.heldOut
    controls =
      outcome.remarks.compactMap { remark in
        if case .controls(let results) = remark { return results }
        return nil
      }.first ?? []
    run = outcome.run
    unit = lossUnit(outcome.isOfClassifier)
    summary = outcome.summary
  }

  private enum CodingKeys: CodingKey {
    case run, epochs, steps, seconds, trainBitsPerDimension, validationNatsPerImage
    case validationBitsPerDimension, bestEpoch, parameters, interrupted, endedEarly
    case heldOutImages, controls
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
    try container.encode(summary.validationBitsPerDimension, forKey: .validationBitsPerDimension)
    try container.encode(summary.bestEpoch, forKey: .bestEpoch)
    try container.encode(summary.parameters, forKey: .parameters)
    try container.encode(summary.interrupted, forKey: .interrupted)
    try container.encode(summary.endedEarly, forKey: .endedEarly)
    try container.encode(heldOut, forKey: .heldOutImages)
    try container.encode(controls, forKey: .controls)
  }

  var text: String {
    let steps = counted(summary.steps, "step")
    let end =
      summary.interrupted
      ? "stopped in epoch \(summary.epochs + 1), after \(steps)"
      : "trained \(counted(summary.epochs, "epoch")) (\(steps))"
    let early = summary.endedEarly ? ", ended early as validation did not improve" : ""
    let train = summary.trainBitsPerDimension.map { ", train \(fixed($0, 4)) \(unit)" } ?? ""
    var best = ""
    if let bits = summary.validationBitsPerDimension, let nats = summary.validationNatsPerImage {
      let epoch = summary.bestEpoch.map { ", epoch \($0)" } ?? ""
      best =
        ", best validation \(fixed(bits, 4)) \(unit) (\(fixed(nats, 2)) nats an image\(epoch))"
    }
    return "\(run): \(end) in \(duration(summary.seconds))\(early)\(train)\(best)"
  }
}

/// Of a density bits a sub-pixel, of a classifier bits a label.
func lossUnit(_ isOfClassifier: Bool) -> String { isOfClassifier ? "bits/label" : "bits/dim" }

/// `1 step`, `2 steps`.
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}
