import Training

/// Shows a training as it goes: a line in place, and one that stays for each epoch.
struct TrainingDisplay {
  private let console: Console
  private let interruption: Interruption
  private let line: ProgressLine

  init(_ console: Console, _ interruption: Interruption) {
    self.console = console
    self.interruption = interruption
    line = ProgressLine(console)
  }

  /// Shows where the training stands; answers whether to go on.
  func show(_ progress: Trainer.Progress) -> Bool {
    let rate = "\(Int(progress.imagesPerSecond)) images/s"
    let left = progress.secondsLeft.map { ", \(duration($0)) left" } ?? ""
    let train = "train \(fixed(progress.trainBitsPerDimension, 4)) bits/dim"
    let validation =
      progress.validationNatsPerImage.map { ", validation \(fixed($0, 2)) nats" } ?? ""
    if progress.epochEnded {
      line.clear()
      console.note("epoch \(progress.epoch): \(train)\(validation), \(rate)\(left)")
    } else {
      line.update(
        "epoch \(progress.epoch), step \(progress.step): \(train)\(validation), \(rate)"
          + "\(left) (\(Int(100 * progress.done)) %)")
    }
    return !interruption.isRequested
  }
}
