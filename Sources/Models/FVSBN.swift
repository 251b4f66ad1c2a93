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
///
/// With a stencil a weight is the sum of one for this pair of sub-pixels and one for all pairs that stand
/// in the same way to each other. The densities are the same; few images then say more about them.
public struct FVSBN: DensityModel {
  public let image: ImageShape
  public let head: Head
  let regression: MaskedLinear
  public var outputBias: Parameter? { regression.bias }
  public var multiplyAdds: Int { regression.multiplyAdds }
  // A step is so little work that many images must share its overhead.
  public func samplingGroup(in precision: Precision) -> Int { 192 }

  static let family = ModelFamily(
    name: "fvsbn", summary: "logistic regression on all earlier sub-pixels",
    settings: [stencil], batch: 128, learningRate: 1e-3,
    make: { specification, _, scope in
      FVSBN(
        specification.image, specification.head, stencil: try specification.isOn(stencil),
        at: scope)
    })

  static let stencil = Setting(
    "stencil", .toggle, default: "off",
    "whether weights have a part that is the same at all places")

  init(_ image: ImageShape, _ head: Head, stencil: Bool, at scope: Scope) {
    self.image = image
    self.head = head
    let degrees = Degrees(image, head)
    regression = MaskedLinear(
      image.dimension, degrees.outputCount, weights: .zeros, toldClasses: true,
      stencil: stencil ? Stencil(image, head, at: scope / "regression") : nil,
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
