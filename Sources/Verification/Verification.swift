import Generation
import Images
import Models
import Randomness
import Tensors

/// Tries to refute what a density claims, by its own weights and kernels.
///
/// ```swift
/// let trained = try TrainedModel(run: "runs/digits")
/// let verification = Verification(
///   trained.model, trained.configuration.model, in: trained.context)
/// let claims = try verification.claims()  // nil where progress asked to stop
/// ```
///
/// Whatever is drawn for it is keyed by the seed, so a verdict can be had again.
public struct Verification {
  public let model: any DensityModel
  /// What smaller models of the same architecture are built from; nil: none are.
  public let specification: ModelSpecification?
  /// Evaluation, in the precision to be verified.
  public let context: Context
  public let seed: UInt64
  /// Images that are drawn for the test of the sampler.
  public let images: Int
  /// How many orders the model has learned, over which probabilities may be averaged.
  public let orders: Int

  /// What is being tried, and how much of it is done.
  public typealias Progress = (_ kind: Claim.Kind, _ done: Int, _ total: Int) -> Bool

  public init(
    _ model: any DensityModel, _ specification: ModelSpecification? = nil, in context: Context,
    seed: UInt64 = 0, images: Int = 64, orders: Int = 1
  ) {
    precondition(images > 0, "a sampler shows itself by its samples")
    self.model = model
    self.specification = specification
    self.context = context
    self.seed = seed
    self.images = images
    self.orders = orders
  }

  /// Tries every claim, whether or not an earlier one fails.
  /// - Parameter progress: called now and then; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func claims(progress: @escaping Progress = { _, _, _ in true }) throws -> [Claim]? {
    let dimension = model.image.dimension
    let label = specification?.classes.map { classes in { (image: Int) in image % classes } }
    let drawn = try Sampler(model, in: context, seed: seed, label: label).draw(0..<images) {
      progress(.samples, $0 / dimension, images)
    }
    guard let drawn else { return nil }
    let tried = unlike(drawn)
    var claims: [Claim] = []
    for attempt in [sumsToOne(tried), causality(tried), increments(tried), samples(drawn)] {
      guard let claim = attempt(progress) else { return nil }
      claims.append(claim)
    }
    if let specification, let claim = allImages(like: specification, progress) {
      claims.insert(claim, at: 1)
    }
    return claims
  }

  typealias Attempt = (Progress) -> Claim?

  /// Two images of the model's own and two of pure noise, which it does not expect.
  private func unlike(_ drawn: PixelBatch) -> PixelBatch {
    var random = RandomStream(seed: seed, "verify/noise")
    let own = drawn.symbols.prefix(2 * drawn.dimension)
    let noise = (0..<2 * drawn.dimension).map { _ in UInt8(random.integer(below: drawn.levels)) }
    return batch(own + noise)
  }

  /// Whole images of these symbols, of a model of classes each of the next class.
  func batch(_ symbols: some Collection<UInt8>) -> PixelBatch {
    batch(symbols, labels: labels(symbols.count / model.image.dimension))
  }

  func batch(_ symbols: some Collection<UInt8>, labels: [Int]?) -> PixelBatch {
    let image = model.image
    return PixelBatch(
      count: symbols.count / image.dimension, height: image.height, width: image.width,
      channels: image.channels, levels: model.head.levels, symbols: Array(symbols),
      labels: labels)
  }

  /// The classes of so many images of a model that is told them: each in turn, so that every claim is
  /// tried given a class.
  func labels(_ images: Int) -> [Int]? {
    specification?.classes.map { classes in (0..<images).map { $0 % classes } }
  }

  /// How many images to compute at once: their outputs should stay within 64 megabytes.
  var imagesAtOnce: Int {
    let outputs = model.steps * model.head.outputs(channels: model.image.channels)
    return max(1, min(64, (1 << 24) / max(1, outputs)))
  }
}
