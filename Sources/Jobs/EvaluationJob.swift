import Files
import Foundation
import Images
import Models
import Reports
import Tensors
import Training

/// Measures how likely a set of images is: reads them, and computes each once.
///
/// ```swift
/// let job = EvaluationJob(try TrainedModel(run: "runs/photos"), data: "held-out")
/// print(try job.run()!.likelihood.bitsPerDimension)
/// ```
public struct EvaluationJob {
  public enum Event: Sendable {
    case reading(Reading)
    /// So many images are computed, of so many.
    case evaluating(done: Int, of: Int)
  }

  /// What came of it.
  public struct Outcome: Sendable {
    /// By the mean over all runs.
    public let likelihood: LikelihoodSummary
    /// By the first run alone.
    public let own: LikelihoodSummary
    /// How well classes are told, where that was asked for.
    public let classification: ClassificationSummary?
    /// Of the pass alone.
    public let seconds: Double
    /// The same images as optimised PNG files, bits a sub-pixel, where the model has all 256 levels.
    public let pngBitsPerDimension: Double?
    public let reading: ReadingReport
  }

  public let trained: TrainedModel
  /// A folder or a file of images.
  public var data: String
  /// Further runs of the same images: the probability of each image is the mean over all of them.
  public var others: [TrainedModel] = []
  /// Over how many orders the probability of each image is averaged, or as many fewer as a run knows.
  public var orders = 1
  /// Whether to tell the classes of images, labelled as `train --classes` labels them; of a run of
  /// classes, in raster order.
  public var tellsClasses = false
  public var strict = false
  public var followsLinks = false

  public init(_ trained: TrainedModel, data: String) {
    self.trained = trained
    self.data = data
  }

  /// - Parameter watch: told of what happens; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `FileError` for images that cannot be read, for further runs of others, and for weights by
  ///   which an image is infinitely unlikely.
  public func run(watch: @escaping (Event) -> Bool = { _ in true }) throws -> Outcome? {
    for other in others { try requireSameImages(other) }
    let images = try trained.images(
      at: data, useClasses: tellsClasses, strict: strict, followLinks: followsLinks
    ) {
      watch(.reading($0))
    }
    guard let images else { return nil }
    let start = ContinuousClock.now
    let classification = (tellsClasses ? trained.mixture : nil)?.classification(
      of: images, pixels: trained.configuration.pixels, seed: trained.configuration.seed,
      in: trained.context
    ) { watch(.evaluating(done: $0, of: images.count)) }
    let told = classification.map { (own: $0.likelihood, mean: $0.likelihood) }
    guard let (own, likelihood) = told ?? averaged(over: images, watch: watch) else { return nil }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    guard likelihood.nats.count == images.count else { return nil }
    if let index = likelihood.nats.firstIndex(where: { !$0.isFinite }) {
      throw FileError(
        images.names[index], expected: "a finite likelihood",
        found: "\(likelihood.nats[index]) nats; the weights of the run are beyond all measure")
    }
    let reading = ReadingReport(data, skipped: images.skipped, flawed: images.flawed)
    return Outcome(
      likelihood: likelihood, own: own, classification: classification, seconds: seconds,
      pngBitsPerDimension: trained.configuration.pixels == .levels(256)
        ? images.optimisedPNGBitsPerDimension : nil,
      reading: reading)
  }

  /// By the probability of each image to the first run, and by the mean over the runs; nil where it was
  /// stopped.
  private func averaged(
    over images: DataSet, watch: (Event) -> Bool
  ) -> (own: LikelihoodSummary, mean: LikelihoodSummary)? {
    let runs = [trained] + others
    var each: [LikelihoodSummary] = []
    for run in runs {
      // Pixels that are drawn are the same for all.
      let summary = run.model.likelihood(
        of: images, pixels: trained.configuration.pixels, seed: trained.configuration.seed,
        orders: min(orders, run.model.knownOrders ?? orders), batch: run.model.inferenceBatch,
        in: run.context
      ) { done in
        watch(.evaluating(done: (each.count * images.count + done) / runs.count, of: images.count))
      }
      guard summary.nats.count == images.count else { return nil }
      each.append(summary)
    }
    guard each.count > 1 else { return (each[0], each[0]) }
    let nats = images.names.indices.map { image in
      log(Double(runs.count)) - logSumExp(each.map { -$0.nats[image] })
    }
    return (each[0], LikelihoodSummary(nats: nats, dimension: trained.model.dimension))
  }

  private func requireSameImages(_ other: TrainedModel) throws(FileError) {
    let (own, its) = (trained.configuration, other.configuration)
    guard own.model.image != its.model.image || own.pixels != its.pixels else { return }
    throw FileError(
      other.run.path,
      expected:
        "a run of \(own.model.image) images, \(own.pixels.rawValue), as \(trained.run.path) is",
      found: "one of \(its.model.image), \(its.pixels.rawValue)")
  }
}
