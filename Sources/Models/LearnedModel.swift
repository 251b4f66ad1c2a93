import Images
import Layers
import Tensors

/// What is learned by maximum likelihood: the density of images, or of their classes given images.
///
/// All that a training asks of a model: steps, validation, weights and runs are the same for both.
public protocol LearnedModel {
  var image: ImageShape { get }
  /// Values that a sub-pixel can take, 2 … 256.
  var levels: Int { get }
  /// What the log-likelihood of an image is of: D sub-pixels, or one label.
  var dimension: Int { get }
  /// Outputs of an image, elements.
  var outputs: Int { get }
  /// The bias of the last layer, if that is what it is: one for each output, or for those of a pixel where
  /// all pixels share it.
  var outputBias: Parameter? { get }
  /// Where inputs are told less their means: the mean intensity of each sub-pixel, 0…1.
  var inputMeans: Parameter? { get }
  /// Where inputs are told whitened.
  var whitening: Whitening? { get }

  /// Live multiply-adds of one image's forward pass in training: weights that a mask holds at zero do
  /// not count, nor do biases and what is done pointwise. A convolution counts as if no image had edges.
  var multiplyAdds: Int { get }
  /// Elements that a training step keeps of an image until its way back, beside its outputs; nil where every
  /// layer keeps its output, whose bias then tells.
  var keptElements: Int? { get }
  /// Forward passes that a likelihood costs: 1, but for models that average several or take one a
  /// sub-pixel.
  var passesPerLikelihood: Int { get }
  /// Images to compute at once when no gradient is wanted.
  var inferenceBatch: Int { get }

  /// Terms `[N, …]` that sum to the log-likelihood of each image, nats. Differentiable where the context has
  /// a tape.
  func logLikelihood(of batch: PixelBatch, in context: Context) -> Variable
}

extension LearnedModel {
  public var outputBias: Parameter? { nil }
  public var inputMeans: Parameter? { nil }
  public var whitening: Whitening? { nil }
  public var keptElements: Int? { nil }
  public var passesPerLikelihood: Int { 1 }

  /// The log-likelihood of each image, nats: log p(x), or log p(y | x) of its label.
  public func logProbability(of batch: PixelBatch, in context: Context) -> [Double] {
    let terms = logLikelihood(of: batch, in: context).value
    return batch.count == 0 ? [] : terms.sums(ofEach: terms.count / batch.count)
  }

  /// Traps where a batch of whole images is not of the model's shape.
  func check(_ batch: PixelBatch, _ context: Context) {
    precondition(
      context.memory != nil
        || batch.width == image.width && batch.channels == image.channels
          && batch.height == image.height && batch.levels == levels,
      "the model takes \(image) of \(levels) levels, found"
        + " \(batch.width)x\(batch.height)x\(batch.channels) of \(batch.levels)")
  }
}
