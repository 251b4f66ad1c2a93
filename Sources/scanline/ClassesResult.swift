import Training

/// What `evaluate --classes` prints of p(y | x), and of images whose class is told.
struct ClassesResult: Encodable {
  let accuracy: Double
  let accuracyStandardError: OrNull
  /// Nats.
  let logLoss: Double
  let logLossStandardError: OrNull
  let calibrationError: Double
  /// −log p(x | y), p(y) left out.
  let natsPerImageGivenClass: Double
  let natsGivenClassStandardError: OrNull

  init(_ classification: ClassificationSummary, logPrior: [Double]) {
    accuracy = classification.accuracy.value
    accuracyStandardError = OrNull(classification.accuracy.standardError)
    logLoss = classification.logLoss.value
    logLossStandardError = OrNull(classification.logLoss.standardError)
    calibrationError = classification.calibrationError
    let given = classification.natsGivenClass(logPrior: logPrior)
    natsPerImageGivenClass = given.natsPerImage
    natsGivenClassStandardError = OrNull(given.standardError)
  }

  var text: String {
    return
      "classes: accuracy \(withError(accuracy, accuracyStandardError, 4)), log loss"
      + " \(withError(logLoss, logLossStandardError, 4)) nats, calibration error"
      + " \(fixed(calibrationError, 4)); given its class"
      + " \(withError(natsPerImageGivenClass, natsGivenClassStandardError, 3)) nats an image"
  }
}
