import Images
import Randomness
import Tensors

/// The conditional distribution of each sub-pixel of each image, given those before it.
///
/// It owns both the probability of a symbol and the drawing of one, so what is drawn can never drift
/// from what is scored.
public protocol PixelDistribution {
  /// log p of each symbol, nats: `[N, D]`. Differentiable where the context has a tape.
  func logProbability(of symbols: [UInt8], in context: Context) -> Variable

  /// The probability of each level at one sub-pixel; they sum to one.
  func probabilities(image: Int, subpixel: Int) -> [Double]
}

extension PixelDistribution {
  /// log p of each sub-pixel of each image, nats: `[N, D]`.
  public func logProbability(of batch: PixelBatch, in context: Context) -> Variable {
    logProbability(of: batch.symbols, in: context)
  }

  /// Draws one sub-pixel of one image, with one draw from the stream.
  public func sample(
    image: Int, subpixel: Int, _ options: SamplingOptions = SamplingOptions(),
    using random: inout RandomStream
  ) -> UInt8 {
    let probabilities = probabilities(image: image, subpixel: subpixel)
    precondition(
      probabilities.allSatisfy { $0.isFinite },
      "image \(image), sub-pixel \(subpixel): the model gives no probabilities to draw from")
    let weights = options.reshape(probabilities)
    var left = random.uniform() * weights.reduce(0, +)
    for (level, weight) in weights.enumerated() where weight > 0 {
      left -= weight
      if left < 0 { return UInt8(level) }
    }
    // Rounding may leave a crumb behind the last level.
    return UInt8(weights.lastIndex { $0 > 0 }!)
  }
}
