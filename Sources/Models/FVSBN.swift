import Distributions
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
  let regression: Linear
  public var outputBias: Parameter { regression.bias! }
  public var multiplyAdds: Int { regression.weight.count }

  static let family = ModelFamily(
    name: "fvsbn", summary: "logistic regression on all earlier sub-pixels",
    settings: [],
    batch: 128, learningRate: 1e-3,
    weights: { specification in
      specification.image.dimension * specification.image.dimension * specification.head.outputs
    },
    make: { specification, _, scope in
      FVSBN(specification.image, specification.head, at: scope)
    })

  init(_ image: ImageShape, _ head: Head, at scope: Scope) {
    self.image = image
    self.head = head
    let (d, k) = (image.dimension, head.outputs)
    // Row (d, k) sees the columns before d.
    let mask = Tensor.prefixMask(
      (0..<d * k).map { $0 / k }, columns: d, scope.precision)
    regression = Linear(d, d * k, mask: mask, weights: .zeros, at: scope / "regression")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch)
    let x = context.unitIntensities(batch)  // [N, D]
    return head.distribution(regression(x, in: context))  // [N, D K]
  }

  public func sequentialConditionals(count: Int, in context: Context)
    -> (any SequentialConditionals)?
  {
    Sequence(model: self, count: count, context: context)
  }

  /// Computes each row of the regression once, when the sub-pixels before it are known.
  private final class Sequence: SequentialConditionals {
    let model: FVSBN
    let context: Context
    var seen: SeenSubpixels

    init(model: FVSBN, count: Int, context: Context) {
      self.model = model
      self.context = context
      seen = SeenSubpixels(
        count: count, dimension: model.image.dimension, levels: model.head.levels, context)
    }

    func next() -> any PixelDistribution {
      let k = model.head.outputs
      let rows = seen.position * k..<(seen.position + 1) * k
      let logits = Tensor([seen.count, k], context.wide)
      context.backend.matrixProduct(
        seen.x, transposed: false, model.regression.weight.value.rows(rows), transposed: true,
        bias: model.regression.bias!.value.rows(rows), activation: .identity, into: logits)
      return model.head.distribution(Variable(logits))
    }

    func observe(_ symbols: [UInt8]) {
      seen.append(symbols)
    }
  }
}
