import Foundation
import Tensors

/// Two levels: p(1) = σ(logit).
public struct Bernoulli: PixelDistribution {
  /// `[N, D]`.
  public let logits: Variable

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    context.bernoulliLogProbability(logits, of: symbols)
  }

  public func probabilities(image: Int, subpixel: Int) -> [Double] {
    let logit = logits.value.element(image * logits.shape[1] + subpixel)
    let one = 1 / (1 + exp(-logit))
    return [1 / (1 + exp(logit)), one]
  }
}
