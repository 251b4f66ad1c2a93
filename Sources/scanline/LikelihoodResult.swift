import Jobs

/// What `evaluate` prints of a density.
struct LikelihoodResult: Encodable {
  let images: Int
  let orders: Int
  /// Over how many probabilities are averaged.
  let runs: Int
  let natsPerImage: Double
  let natsStandardError: OrNull
  let bitsPerDimension: Double
  let bitsPerDimensionStandardError: OrNull
  let imagesPerSecond: Double
  let pngBitsPerDimension: Double?
  /// How well classes are told, where that was asked for.
  let classes: ClassesResult?

  init(_ outcome: EvaluationJob.Outcome, of job: EvaluationJob, logPrior: [Double]) {
    let likelihood = outcome.likelihood
    (orders, runs) = (job.orders, 1 + job.others.count)
    classes = outcome.classification.map { ClassesResult($0, logPrior: logPrior) }
    images = likelihood.nats.count
    natsPerImage = likelihood.natsPerImage
    natsStandardError = OrNull(likelihood.standardError)
    bitsPerDimension = likelihood.bitsPerDimension
    bitsPerDimensionStandardError = OrNull(
      likelihood.bitsPerDimension(likelihood.standardError))
    imagesPerSecond = Double(images) / outcome.seconds
    pngBitsPerDimension = outcome.pngBitsPerDimension
  }

  var text: String {
    let over = (orders > 1 ? ["\(orders) orders"] : []) + (runs > 1 ? ["\(runs) runs"] : [])
    return
      "\(counted(images, "image"))\(over.isEmpty ? "" : " over " + over.joined(separator: ", ")):"
      + " \(withError(natsPerImage, natsStandardError, 3)) nats an image,"
      + " \(withError(bitsPerDimension, bitsPerDimensionStandardError, 5)) bits/dim"
      + (pngBitsPerDimension.map { " (optimised PNG \(fixed($0, 3)))" } ?? "")
      + ", \(short(imagesPerSecond)) images/s"
      + (classes.map { "\n" + $0.text } ?? "")
  }
}
