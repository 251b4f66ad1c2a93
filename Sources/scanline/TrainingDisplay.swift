import Foundation
import Jobs
import Training

/// Shows a training as it goes: a line in place, and one that stays for each epoch.
final class TrainingDisplay {
  let console: Console
  /// The run's folder.
  let run: String
  private(set) var preparation: TrainingJob.Preparation?
  private let reading: ReadingDisplay
  /// From the first step on: until then a signal ends the process at once.
  private var interruption: Interruption?
  private(set) var line: ProgressLine
  var lastEpochLine: ContinuousClock.Instant?
  private var hasTakenRequest = false
  private var isJudging = false

  init(_ console: Console, of run: String) {
    self.console = console
    self.run = run
    reading = ReadingDisplay(console)
    line = ProgressLine(console)
  }

  var configuration: RunConfiguration? { preparation?.configuration }

  /// What losses are told in.
  var unit: String { lossUnit(configuration?.model.family.isClassifier == true) }

  /// Whether there is a run that can be gone on with.
  var hasBegun: Bool { interruption != nil }

  /// Shows what happens; answers whether to go on.
  func show(_ event: TrainingJob.Event) -> Bool {
    switch event {
    case .reading(let reading): return self.reading.show(reading)
    case .remark(let remark):
      line.clear()
      remark.isWarning ? console.warn("\(remark)") : console.note("\(remark)")
    case .prepared(let preparation):
      self.preparation = preparation
      show(preparation)
    case .cost(let cost): show(cost)
    case .begins: begin()
    case .training(let progress):
      show(progress)
      return goesOn()
    case .drawing: return goesOn()
    case .judging(let done, let total):
      if !isJudging { end() }
      isJudging = true
      line.update("judging what was set aside", Double(done), of: total, "steps")
      return interruption?.isRequested != true
    }
    return true
  }

  /// From here on there is something to save, which takes as long as it takes. And whoever reads the
  /// messages may be ended by the same signal: a broken pipe must not come before the checkpoint.
  private func begin() {
    interruption = Interruption(patience: nil)
    signal(SIGPIPE, SIG_IGN)
    line = ProgressLine(console)
  }

  /// Whether nobody has asked it to stop; says that it does, once.
  private func goesOn() -> Bool {
    guard interruption?.isRequested == true else { return true }
    if !hasTakenRequest {
      hasTakenRequest = true
      line.clear()
      console.note("stopping with a checkpoint; Ctrl-C again ends at once")
    }
    return false
  }

  /// Leaves the terminal to what comes next.
  func end() {
    line.clear()
    line = ProgressLine(console)
  }
}
