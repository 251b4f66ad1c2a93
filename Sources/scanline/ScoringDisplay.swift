import Jobs

/// Shows a comparison as it goes.
final class ScoringDisplay {
  /// What is being scored.
  private(set) var path: String?
  private let run: RunInUse
  private let reading: ReadingDisplay
  private var line: ProgressLine

  init(_ run: RunInUse) {
    self.run = run
    reading = ReadingDisplay(run.console)
    line = ProgressLine(run.console)
  }

  /// Answers whether nobody has asked it to stop.
  func show(_ event: ComparisonJob.Event) -> Bool {
    switch event {
    case .reading(let event): return reading.show(event)
    case .seen(let remark): run.console.warn("\(remark)")
    case .scoring(let path, let done, let total):
      if path != self.path { line = ProgressLine(run.console) }
      self.path = path
      line.update("scoring \(path)", Double(done), of: total, "images")
      if done == total { line.clear() }
    }
    return !run.interruption.isRequested
  }
}
