import Distributions
import Images
import Tensors

/// The sides of the images of a model: height × width × channels sub-pixels.
public struct ImageShape: Codable, Equatable, Sendable, CustomStringConvertible {
  public let height: Int
  public let width: Int
  public let channels: Int

  public init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// Sub-pixels an image.
  public var dimension: Int { height * width * channels }
  public var description: String { "\(width)x\(height)x\(channels)" }
}

/// A density over images, p(x) = ∏ p(x_i | x_<i), its sub-pixels in raster order.
///
/// A model has one idea, `conditionals`; loss, likelihood, sampling, scores and code lengths all
/// derive from it.
///
/// ```swift
/// let store = ParameterStore(seed: 1)
/// let model = try ModelSpecification(
///   name: "nade", head: .bernoulli, image: ImageShape(height: 28, width: 28, channels: 1)
/// ).build(in: store)
/// let context = Context(backend: CPUBackend.shared, precision: .float32)
/// let nats = model.logProbability(of: batch, in: context)
/// ```
public protocol DensityModel {
  var image: ImageShape { get }
  var head: Head { get }
  /// The bias of the last layer: `head.outputs` numbers for each sub-pixel, or for each channel where
  /// all pixels share it.
  var outputBias: Parameter { get }

  /// Live multiply-adds of one image's forward pass in training: weights that a mask holds at zero do
  /// not count, nor do biases and what is done pointwise. A convolution counts as if no image had edges.
  var multiplyAdds: Int { get }
  /// Forward passes that a likelihood takes: 1, but for models that average several.
  var passesPerLikelihood: Int { get }
  /// Images to compute at once when no gradient is wanted.
  var inferenceBatch: Int { get }

  /// The distribution of every sub-pixel given those before it. Teacher forcing: the conditionals of
  /// sub-pixel i do not move with the symbols at i and after.
  func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution

  /// A way to the same conditionals that takes one sub-pixel at a time and computes only what is new,
  /// for `count` images at once; nil where there is none.
  func sequentialConditionals(count: Int, in context: Context) -> (any SequentialConditionals)?
}

extension DensityModel {
  public var passesPerLikelihood: Int { 1 }

  public func sequentialConditionals(count: Int, in context: Context)
    -> (any SequentialConditionals)?
  { nil }

  /// log p of each image, nats.
  public func logProbability(of batch: PixelBatch, in context: Context) -> [Double] {
    let terms = subpixelLogProbability(of: batch, in: context)
    let dimension = image.dimension
    return (0..<batch.count).map { n in
      terms[n * dimension..<(n + 1) * dimension].reduce(0, +)
    }
  }

  /// log p of each sub-pixel given those before it, nats, `[N, H, W, C]`.
  public func subpixelLogProbability(of batch: PixelBatch, in context: Context) -> [Double] {
    conditionals(batch, in: context).logProbability(of: batch, in: context).value.values
  }

  /// Traps where a batch is not of the model's shape.
  func check(_ batch: PixelBatch) {
    precondition(
      batch.width == image.width && batch.channels == image.channels
        && batch.height == image.height && batch.levels == head.levels,
      "the model takes \(image) of \(head.levels) levels, found"
        + " \(batch.width)x\(batch.height)x\(batch.channels) of \(batch.levels)")
  }
}

/// Conditionals one sub-pixel at a time.
public protocol SequentialConditionals: AnyObject {
  /// The distribution of the next sub-pixel of every image: one sub-pixel an image.
  func next() -> any PixelDistribution

  /// Tells the symbols of that sub-pixel, one an image, and moves on.
  func observe(_ symbols: [UInt8])
}
