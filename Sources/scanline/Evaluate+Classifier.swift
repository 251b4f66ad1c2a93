import Jobs
import Training

/// `evaluate` of a run of a classifier.
extension Evaluate {
  func evaluateClassifier() throws {
    options.common.prepare()
    let (console, interruption) = (options.common.console, Interruption())
    if averaging.orders > 1 {
      throw CommandError("--orders: expected 1 of a classifier, found \(averaging.orders)")
    }
    let classifier = try TrainedClassifier(
      run: runFolder.path, precision: options.precision.precision)
    var job = ClassificationJob(classifier, data: data)
    (job.strict, job.followsLinks) = (options.reading.strict, options.reading.followLinks)
    let (reading, line) = (ReadingDisplay(console), ProgressLine(console))
    defer { line.clear() }
    var came = "\(data) is not read to its end"
    let outcome = try job.run { event in
      switch event {
      case .reading(let event): return reading.show(event)
      case .telling(let done, let count):
        came = "\(done) of \(count) images evaluated"
        line.update("evaluating", Double(done), of: count, "images")
        return !interruption.isRequested
      }
    }
    line.clear()
    guard let outcome else { throw CommandError.stopped(came) }
    let result = ClassifierResult(outcome)
    try console.result(WithReading(result, outcome.reading), text: result.text)
  }

  /// What `--json` prints of a classifier.
  private struct ClassifierResult: Encodable {
    let images: Int
    let accuracy: Double
    let accuracyStandardError: OrNull
    /// Nats.
    let logLoss: Double
    let logLossStandardError: OrNull
    let calibrationError: Double
    let imagesPerSecond: Double

    init(_ outcome: ClassificationJob.Outcome) {
      let told = outcome.classification
      images = told.labels.count
      accuracy = told.accuracy.value
      accuracyStandardError = OrNull(told.accuracy.standardError)
      logLoss = told.logLoss.value
      logLossStandardError = OrNull(told.logLoss.standardError)
      calibrationError = told.calibrationError
      imagesPerSecond = Double(images) / outcome.seconds
    }

    var text: String {
      "\(counted(images, "image")): accuracy \(withError(accuracy, accuracyStandardError, 4)),"
        + " log loss \(withError(logLoss, logLossStandardError, 4)) nats, calibration error"
        + " \(fixed(calibrationError, 4)), \(short(imagesPerSecond)) images/s"
    }
  }
}

/// `0.912 ± 0.003`, without an error where there is none.
func withError(_ value: Double, _ error: OrNull, _ decimals: Int) -> String {
  fixed(value, decimals) + (error.value.map { " ± \(fixed($0, decimals))" } ?? "")
}
