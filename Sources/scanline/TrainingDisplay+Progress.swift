import Training

extension TrainingDisplay {
  func show(_ progress: Trainer.Progress) {
    let epoch =
      if case .epochs(let count)? = configuration?.training.duration {
        "epoch \(progress.epoch) of \(count)"
      } else {
        "epoch \(progress.epoch)"
      }
    let train = "train \(fixed(progress.trainBitsPerDimension, 4))"
    let validation =
      progress.validationBitsPerDimension.map { ", validation \(fixed($0, 4))" } ?? ""
    let losses = "\(train)\(validation) \(unit)"
    let left = progress.secondsLeft.map { ", \(duration($0)) left" } ?? ""
    // A sitting may begin with a validation.
    let pace =
      (progress.imagesPerSecond > 0 ? ", \(fixed(progress.imagesPerSecond, 0)) images/s" : "")
      + left
    switch progress.moment {
    case .step:
      line.update(
        "\(epoch), step \(progress.step): \(losses)\(pace) (\(Int(100 * progress.done)) %)")
    case .validation(let share):
      line.update("\(epoch): \(train) \(unit), validating (\(Int(100 * share)) %)")
    case .epochEnd(let isBest):
      let text = "\(epoch): \(losses)\(isBest ? " (best)" : "")\(pace)"
      // Short epochs do not flood the terminal.
      let now = ContinuousClock.now
      if let last = lastEpochLine, now - last < .seconds(1) {
        line.update(text)
      } else {
        line.clear()
        console.note(text)
        lastEpochLine = now
      }
      if let remark = remark(on: progress) {
        line.clear()
        console.note(remark)
      }
    }
  }
}
