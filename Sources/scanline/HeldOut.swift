import Detection
import Jobs
import Reports

extension RunInUse {
  /// The calibration that held-out normal images make, and what there is to say of their files.
  /// - Parameter rate: the options of a rate that it must resolve, checked before anything is scored;
  ///   what it tells apart is then not tried.
  func calibration(
    on path: String, rate: FalseAlarmOptions? = nil, further: FurtherScores = FurtherScores()
  ) throws -> (Calibration, ReadingReport) {
    try requirePath("DATA", path)
    var job = CalibrationJob(trained, data: path)
    (job.strict, job.followsLinks) = (reading.strict, reading.followLinks)
    job.further = further
    job.triesControls = rate == nil
    let (display, line) = (ReadingDisplay(console), ProgressLine(console))
    defer { line.clear() }
    let outcome = try job.run(
      watch: { event in
        switch event {
        case .reading(let event): return display.show(event)
        case .seen(let remark): console.warn("\(remark)")
        case .heldOut(true?):
          console.note("\(path): held out: none of its images was trained or validated on")
        case .heldOut(nil):
          console.note(
            "\(path): taken as held out; whether the run has seen some of these images is not known"
          )
        case .heldOut(false?): break
        case .scoring(let done, let count):
          line.update("scoring \(path)", Double(done), of: count, "images")
        }
        return !interruption.isRequested
      },
      check: { try rate?.check($0, of: path) })
    guard let outcome else { throw CommandError.stopped("\(path) is not scored to its end") }
    return (outcome.calibration, outcome.reading)
  }
}
