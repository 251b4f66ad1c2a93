import Foundation
import Images
import Tensors

extension Head {
  public static let bernoulli = Head(.bernoulli, levels: 2)
}

extension Head.Kind {
  /// One logit: p(1) = σ(logit). Two levels.
  public static let bernoulli = Head.Kind(
    name: "bernoulli", summary: "p(1) = σ(logit)", levels: 2...2,
    outputs: { _, _ in 1 },
    bias: { _, logFrequencies in [logFrequencies[0][1] - logFrequencies[0][0]] },
    distribution: { outputs, _, _ in
      Bernoulli(logits: outputs.reshaped([outputs.shape[0], outputs.shape[1]]))
    })
}

/// Two levels: p(1) = σ(logit).
public struct Bernoulli: PixelDistribution {
  /// `[N, D]`.
  public let logits: Variable

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    context.bernoulliLogProbability(logits, of: symbols)
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let logit = logits.value.element(image * logits.shape[1] + subpixel)
    let one = 1 / (1 + exp(-logit))
    return [1 / (1 + exp(logit)), one]
  }

  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    context.backend.drawBernoulli(logits.value.step(subpixel), uniforms)
  }

  public static func fusedMeasures(
    of batch: PixelBatch, under members: [Bernoulli], _ kinds: Measures.Kinds, in context: Context
  ) -> Measures? {
    context.measureKernels(for: members.map(\.logits)).map { kernels, logits in
      kernels.bernoulliMeasures(of: batch, under: logits, kinds)
    }
  }
}
