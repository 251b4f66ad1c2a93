import Files
import Images
import Models
import Reports
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
    public let likelihood: LikelihoodSummary
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
  /// Over how many of the orders that the model knows the probability of each image is averaged.
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
  /// - Throws: `FileError` for images that cannot be read, and for weights by which one is infinitely
  ///   unlikely.
  public func run(watch: @escaping (Event) -> Bool = { _ in true }) throws -> Outcome? {
    let images = try trained.images(
      at: data, useClasses: tellsClasses, strict: strict, followLinks: followsLinks
    ) {
      watch(.reading($0))
    }
    guard let images else { return nil }
    let start = ContinuousClock.now
    let (pixels, seed) = (trained.configuration.pixels, trained.configuration.seed)
    func goesOn(_ done: Int) -> Bool { watch(.evaluating(done: done, of: images.count)) }
    let classification = (tellsClasses ? trained.mixture : nil)?.classification(
      of: images, pixels: pixels, seed: seed, in: trained.context, progress: goesOn)
    let likelihood =
      classification?.likelihood
      ?? trained.model.likelihood(
        of: images, pixels: pixels, seed: seed, orders: orders, batch: trained.model.inferenceBatch,
        in: trained.context, progress: goesOn)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    guard likelihood.nats.count == images.count else { return nil }
    if let index = likelihood.nats.firstIndex(where: { !$0.isFinite }) {
      throw FileError(
        images.names[index], expected: "a finite likelihood",
        found: "\(likelihood.nats[index]) nats; the weights of the run are beyond all measure")
    }
    let reading = ReadingReport(data, skipped: images.skipped, flawed: images.flawed)
    return Outcome(
      likelihood: likelihood, classification: classification, seconds: seconds,
      pngBitsPerDimension: trained.configuration.pixels == .levels(256)
        ? images.optimisedPNGBitsPerDimension : nil,
      reading: reading)
  }
}
