import Foundation
import Images
import Tensors

extension Head {
  public static func logisticMixture(_ levels: Int, components: Int = usualComponents) -> Head {
    Head(.logisticMixture, levels: levels, components: components)
  }
}

extension Head.Kind {
  /// A mixture of discretised logistic distributions whose channels are coupled (Salimans et al. 2017,
  /// arXiv:1701.05517, equations 1–3).
  public static let logisticMixture = Head.Kind(
    name: "logistic-mixture",
    summary: "a mixture of logistic distributions, G's means linear in R, B's in R and G",
    levels: 2...256, components: 1...LogisticMixtureShape.mostComponents, isJoint: true,
    outputs: { head, channels in LogisticMixtureShape(head, channels).outputs },
    bias: { head, logFrequencies in
      LogisticMixtureShape(head, logFrequencies.count).bias(logFrequencies)
    },
    distribution: { outputs, head, channels in
      LogisticMixture(outputs: outputs, shape: LogisticMixtureShape(head, channels))
    })
}

/// The channels x_c of a pixel, intensities −1…1, from one set of outputs:
///
///     p(x) = Σ_k π_k ∏_c [σ((x_c + h − m_kc) / s_kc) − σ((x_c − h − m_kc) / s_kc)]
///     m_kc = u_kc + Σ_{e<c} tanh(a_kce) x_e
///
/// with π = softmax of the logits and h half the distance of two levels. The lowest level takes all that
/// lies below it too and the highest all above, so a pixel's probabilities sum to one.
public struct LogisticMixture: PixelDistribution {
  /// `[N, pixels, outputs]`, in the order of `LogisticMixtureShape`.
  public let outputs: Variable
  public let shape: LogisticMixtureShape

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    context.logisticMixtureLogProbability(outputs, shape, of: symbols)
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let (pixel, channel) = subpixel.quotientAndRemainder(dividingBy: shape.channels)
    let each = shape.outputs
    let first = (image * outputs.shape[1] + pixel) * each
    let own = (first..<first + each).map(outputs.value.element)
    return shape.probabilities(own[...], channel: channel, given: given)
  }

  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    let (pixel, channel) = subpixel.quotientAndRemainder(dividingBy: shape.channels)
    precondition(
      given.count == channel * uniforms.count,
      "channel \(channel) of \(uniforms.count) pixels, given \(given.count) levels")
    return context.logisticMixtureKernels.drawLogisticMixture(
      outputs.value.step(pixel), shape, given: given, channel: channel, uniforms)
  }

  public static func fusedMeasures(
    of batch: PixelBatch, under members: [LogisticMixture], _ kinds: Measures.Kinds,
    in context: Context
  ) -> Measures? {
    guard members.count == 1, let kernels = context.backend as? any LogisticMixtureKernels else {
      return nil
    }
    return kernels.logisticMixtureMeasures(
      of: batch, under: members[0].outputs.value, members[0].shape, kinds)
  }
}
