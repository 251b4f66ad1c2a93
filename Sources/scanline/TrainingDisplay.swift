import Training

/// Shows a training as it goes: what it is, a line in place, and one that stays for each epoch.
final class TrainingDisplay {
  private let console: Console
  private let interruption: Interruption
  private let configuration: RunConfiguration
  private let line: ProgressLine
  private var lastEpochLine: ContinuousClock.Instant?
  private var hasTakenRequest = false

  init(_ console: Console, _ interruption: Interruption, _ configuration: RunConfiguration) {
    self.console = console
    self.interruption = interruption
    self.configuration = configuration
    line = ProgressLine(console)
  }

  /// Says what is trained on what, and from where.
  func begin(_ trainer: Trainer, at path: String) {
    let (model, data) = (configuration.model, configuration.data)
    let settings = model.settings.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    console.note(
      "\(path): \(model.name)\(settings.joined()), \(trainer.parameterCount) parameters,"
        + " \(model.head.kind.rawValue) head, \(configuration.training.precision.rawValue)")
    let validation =
      data.validationImages == 0
      ? "none to validate on" : "\(data.validationImages) more to validate on"
    let classes = data.trainingImagesByClass.map { " in \($0.count) classes" } ?? ""
    console.note(
      "\(counted(data.trainingImages, "image")) \(model.image)\(classes), \(configuration.pixels),"
        + " \(validation); \(length), \(configuration.training.batch) images a step")
    if trainer.isFinished {
      console.note("finished already: nothing to do")
    } else if trainer.step > 0 {
      console.note("going on after step \(trainer.step)")
    }
  }

  private var length: String {
    switch configuration.training.duration {
    case .epochs(let count): counted(count, "epoch")
    case .minutes(let minutes): duration(60 * minutes)
    }
  }

  /// Shows where the training stands; answers whether to go on.
  func show(_ progress: Trainer.Progress) -> Bool {
    let epoch =
      if case .epochs(let count) = configuration.training.duration {
        "epoch \(progress.epoch) of \(count)"
      } else {
        "epoch \(progress.epoch)"
      }
    let train = "train \(fixed(progress.trainBitsPerDimension, 4)) bits/dim"
    let validation =
      progress.validationNatsPerImage.map { ", validation \(fixed($0, 2)) nats" } ?? ""
    let left = progress.secondsLeft.map { ", \(duration($0)) left" } ?? ""
    // A sitting may begin with a validation.
    let pace =
      (progress.imagesPerSecond > 0 ? ", \(fixed(progress.imagesPerSecond, 0)) images/s" : "")
      + left
    switch progress.moment {
    case .step:
      line.update(
        "\(epoch), step \(progress.step): \(train)\(validation)\(pace)"
          + " (\(Int(100 * progress.done)) %)")
    case .validation(let share):
      line.update("\(epoch): \(train), validating (\(Int(100 * share)) %)")
    case .epochEnd(let isBest):
      let text = "\(epoch): \(train)\(validation)\(isBest ? " (best)" : "")\(pace)"
      // Short epochs do not flood the terminal.
      let now = ContinuousClock.now
      if let last = lastEpochLine, now - last < .seconds(1) {
        line.update(text)
      } else {
        line.clear()
        console.note(text)
        lastEpochLine = now
      }
    }
    if interruption.isRequested && !hasTakenRequest {
      hasTakenRequest = true
      line.clear()
      console.note("stopping with a checkpoint; Ctrl-C again ends at once")
    }
    return !interruption.isRequested
  }

  /// Leaves the terminal to what comes next.
  func end() { line.clear() }
}
