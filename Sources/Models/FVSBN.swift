import Heads
import Images
import Layers
import Tensors

/// Fully visible sigmoid belief network (Frey, Hinton and Dayan 1996; Neal 1992): each sub-pixel is
/// a logistic regression on all earlier ones,
///
///     logits_d = b_d + Σ_{e<d} W_de x_e,   x_e in 0…1.
///
/// With K levels each sub-pixel has K rows of W, so the model has D² K / 2 weights.
public struct FVSBN: DensityModel {
  public let image: ImageShape
  public let head: Head
  let regression: MaskedLinear
  public var outputBias: Parameter? { regression.bias }
  public var multiplyAdds: Int { regression.multiplyAdds }
  // A step is so little work that many images must share its overhead.
  public var samplingGroup: Int { 192 }

  static let family = ModelFamily(
    name: "fvsbn", summary: "logistic regression on all earlier sub-pixels",
    settings: [], batch: 128, learningRate: 1e-3,
    make: { specification, _, scope in
      FVSBN(specification.image, specification.head, at: scope)
    })

  init(_ image: ImageShape, _ head: Head, at scope: Scope) {
    self.image = image
    self.head = head
    let degrees = Degrees(image, head)
    regression = MaskedLinear(
      image.dimension, degrees.outputCount, weights: .zeros, toldClasses: true,
      at: scope / "regression"
    ) { [.init(inputs: degrees.inputs, outputs: degrees.outputs)] }
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let logits = regression(
      context.units(batch), of: batch.labels, precision: context.wide, last: true, in: context)
    return distribution(context.rows(logits))  // [N, D K]
  }
}
