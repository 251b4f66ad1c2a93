import Heads
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
/// A model has one idea, `conditionals`, written once and run over all sub-pixels or over the next; loss,
/// likelihood, sampling, scores and code lengths all derive from it.
///
/// ```swift
/// let model = try ModelSpecification(
///   name: "nade", head: .bernoulli, image: ImageShape(height: 28, width: 28, channels: 1)
/// ).build(in: ParameterStore(seed: 1))
/// let context = Context(Engine(CPUBackend.shared, .float32))
/// let nats = model.logProbability(of: batch, in: context)
/// ```
public protocol DensityModel: LearnedModel {
  var head: Head { get }
  /// Images that a thread draws at once, step by step, with activations in this precision.
  func samplingGroup(in precision: Precision) -> Int

  /// The distribution of every sub-pixel given those before it. Teacher forcing: the conditionals of
  /// sub-pixel i do not move with the symbols at i and after.
  ///
  /// Where the context has a memory, the batch is what has become known of its images since the last
  /// call, `[N, 1, 1, count]`, and the result is the distribution of their next step alone, bit for bit
  /// what the whole pass would say.
  func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution
}

extension DensityModel {
  public var levels: Int { head.levels }
  public var dimension: Int { image.dimension }
  public var outputs: Int { steps * outputsAStep }
  // A multiple of what kernels take at once: 16 images side by side, 6 pixels of a convolution. What a
  // model of some size remembers of so many stays in the caches.
  public func samplingGroup(in precision: Precision) -> Int { 48 }

  /// Steps in which an image is told.
  public var steps: Int { image.height * image.width * head.steps(channels: image.channels) }
  /// Sub-pixels that become known with each step.
  public var subpixelsAStep: Int { image.dimension / steps }
  /// Outputs at each step.
  var outputsAStep: Int { head.outputs(channels: image.channels) }

  public func logLikelihood(of batch: PixelBatch, in context: Context) -> Variable {
    conditionals(batch, in: context).logProbability(of: batch, in: context)
  }

  /// log p of each sub-pixel given those before it, nats, `[N, H, W, C]`.
  public func subpixelLogProbability(of batch: PixelBatch, in context: Context) -> [Double] {
    logLikelihood(of: batch, in: context).value.values
  }

  /// A memory of images of which nothing is known yet but, of a model of classes, their classes.
  public func memory(images: Int, labels: [Int]? = nil) -> Memory {
    Memory(
      images: images, height: image.height, width: image.width, channels: image.channels,
      labels: labels)
  }

  /// The distribution of the next step of the images that the context remembers.
  /// - Parameter latest: the symbols that have become known since the last call, `[N, count]`: none
  ///   before the first step.
  public func next(after latest: [UInt8], in context: Context) -> any PixelDistribution {
    guard let memory = context.memory else { preconditionFailure("the next step of what?") }
    memory.advance(by: latest.count / memory.images)
    return conditionals(
      PixelBatch(
        count: memory.images, height: 1, width: 1, channels: latest.count / memory.images,
        levels: head.levels, symbols: latest, labels: memory.labels), in: context)
  }

  /// The head's distribution of the model's last outputs.
  public func distribution(_ outputs: Variable) -> any PixelDistribution {
    head.distribution(outputs, channels: image.channels)
  }
}
