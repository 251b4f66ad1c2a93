import Heads
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
/// Image k has a random stream of its own, keyed by seed and k, and the order in which a backend sums
/// does not depend on how much it computes at once: it is the same image whatever the count, the group,
/// the threads and the path.
public struct Sampler {
  /// Where conditionals come from. Both give the same images.
  public enum Path: Sendable {
    /// Only what is new is computed for each step.
    case incremental
    /// A whole pass of the model for each step.
    case plain
  }

  public let model: any DensityModel
  public let context: Context
  /// How draws depart from the exact distribution; not at all by default.
  public let options: SamplingOptions
  public let seed: UInt64
  /// Most images that one thread draws at once.
  public let group: Int
  public let path: Path
  /// The class of image k, of a model that is told them; nil: none is told.
  public let label: ((_ image: Int) -> Int)?

  public init(
    _ model: any DensityModel, in context: Context, options: SamplingOptions = SamplingOptions(),
    seed: UInt64 = 0, group: Int? = nil, path: Path = .incremental,
    label: ((_ image: Int) -> Int)? = nil
  ) {
    precondition(group.map { $0 > 0 } ?? true, "a group has at least one image")
    self.model = model
    self.context = context
    self.options = options
    self.seed = seed
    self.group = group ?? model.samplingGroup(in: context.precision)
    self.path = path
    self.label = label
  }

  /// Images that all threads together draw at once.
  public var imagesAtOnce: Int { path == .plain ? group : group * context.backend.threads }

  /// Images 0 ..< `count`.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func draw(count: Int) throws(GenerationError) -> PixelBatch {
    guard let images = try draw(0..<count) else { preconditionFailure("nobody stopped it") }
    return images
  }

  /// Draws the images of these indices, each thread a group of them at a time through all sub-pixels.
  /// - Parameter progress: called now and then, by one thread at a time, with how many sub-pixels are
  ///   done in all; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func draw(
    _ images: Range<Int>, progress: @escaping (_ subpixels: Int) -> Bool = { _ in true }
  ) throws(GenerationError) -> PixelBatch? {
    let (seed, options, context) = (seed, options, context)
    let walk = Walk(model: model, context: context, group: group, path: path, label: label)
    return try walk.run(images, progress: progress) { images in
      var streams = RandomStreams(images.map { RandomStream(seed: seed, "sample", $0) })
      return { step in
        step.conditionals.draw(
          subpixel: step.place, given: step.given, streams.uniforms(), options: options, in: context
        )
      }
    }
  }
}
