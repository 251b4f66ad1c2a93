import Distributions
import Images
import Models
import Randomness
import Tensors

/// Draws images from a density, one sub-pixel after the other, each from the very distribution that
/// scores it.
///
/// ```swift
/// let sampler = Sampler(model, in: context, seed: 1)
/// let images = try sampler.draw(count: 100)
/// ```
///
/// Image k has a random stream of its own, keyed by seed and k: it is the same image whatever the
/// count and the group it is drawn in, as far as the backend computes a row alike in batches of
/// different size (the reference does; in float32 a rounding may tip a draw once in a million).
public struct Sampler {
  /// Where conditionals come from. Both give the same images.
  public enum Path: Sendable {
    /// One sub-pixel at a time, computing only what is new, where the model has a way to.
    case incremental
    /// A whole pass of the model for each sub-pixel.
    case plain
  }

  public let model: any DensityModel
  public let context: Context
  /// How draws depart from the exact distribution; not at all by default.
  public let options: SamplingOptions
  public let seed: UInt64
  /// Images drawn at once.
  public let group: Int
  public let path: Path

  public init(
    _ model: any DensityModel, in context: Context, options: SamplingOptions = SamplingOptions(),
    seed: UInt64 = 0, group: Int? = nil, path: Path = .incremental
  ) {
    precondition(group.map { $0 > 0 } ?? true, "a group has at least one image")
    self.model = model
    self.context = context
    self.options = options
    self.seed = seed
    self.group = group ?? model.inferenceBatch
    self.path = path
  }

  /// Images 0 ..< `count`, a group after the other.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func draw(count: Int) throws(GenerationError) -> PixelBatch {
    var batch = model.image.blank(count: count, levels: model.head.levels)
    let dimension = model.image.dimension
    for images in groups(of: count) {
      guard let group = try draw(images) else { preconditionFailure("nobody stopped it") }
      batch.symbols.replaceSubrange(
        images.lowerBound * dimension..<images.upperBound * dimension, with: group.symbols)
    }
    return batch
  }

  /// Images 0 ..< `count` in the groups that are drawn at once.
  public func groups(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: group).map { $0..<min($0 + group, count) }
  }

  /// Draws the images of these indices together.
  /// - Parameter progress: called before each sub-pixel with how many are done of each image; answers
  ///   whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func draw(
    _ images: Range<Int>, progress: (_ subpixels: Int) -> Bool = { _ in true }
  ) throws(GenerationError) -> PixelBatch? {
    let dimension = model.image.dimension
    var batch = model.image.blank(count: images.count, levels: model.head.levels)
    var streams = images.map { RandomStream(seed: seed, "sample", $0) }
    let sequence =
      path == .incremental
      ? model.sequentialConditionals(count: images.count, in: context) : nil
    for i in 0..<dimension {
      guard progress(i) else { return nil }
      let conditionals = sequence?.next() ?? model.conditionals(batch, in: context)
      // A sequence speaks of the next sub-pixel alone.
      let place = sequence == nil ? i : 0
      var symbols: [UInt8] = []
      for n in streams.indices {
        try conditionals.check(image: n, subpixel: place, at: i)
        let symbol = conditionals.sample(
          image: n, subpixel: place, options, using: &streams[n])
        batch.symbols[n * dimension + i] = symbol
        symbols.append(symbol)
      }
      sequence?.observe(symbols)
    }
    return batch
  }
}

extension ImageShape {
  /// Images of the first symbol throughout.
  func blank(count: Int, levels: Int) -> PixelBatch {
    PixelBatch(
      count: count, height: height, width: width, channels: channels, levels: levels,
      symbols: [UInt8](repeating: 0, count: count * dimension))
  }
}
