import Distributions
import Images
import Layers
import Tensors

/// Neural autoregressive distribution estimator (Larochelle and Murray 2011,
/// http://proceedings.mlr.press/v15/larochelle11a.html, equations 9–11):
///
///     h_d = σ(c + Σ_{e<d} W_e x_e),   logits_d = V_d h_d + b_d,   x_e in 0…1.
///
/// The activation runs along d, so an image costs O(D H K) and not O(D² H). With more than two
/// levels, V_d has a row a level (Uria et al. 2016, section 4.1).
public struct NADE: DensityModel {
  public let image: ImageShape
  public let head: Head
  let w: Parameter  // [D, H]
  let c: Parameter  // [H]
  let v: Parameter  // [D, K, H]
  let b: Parameter  // [D, K]
  public var outputBias: Parameter { b }
  /// D H for the running activation and D H K for the logits.
  public var multiplyAdds: Int { w.count + v.count }

  static let hidden = Setting("hidden", .count, default: "500", "hidden units")

  static let family = ModelFamily(
    name: "nade", summary: "shared weights and a running activation, O(D H) an image",
    settings: [hidden],
    batch: 128, learningRate: 1e-3,
    weights: { specification in
      let (d, k) = (specification.image.dimension, specification.head.outputs)
      return d * (k + 1) * (try specification.count(hidden))
    },
    make: { specification, _, scope in
      NADE(
        specification.image, specification.head, hidden: try specification.count(hidden), at: scope)
    })

  init(_ image: ImageShape, _ head: Head, hidden: Int, at scope: Scope) {
    self.image = image
    self.head = head
    let (d, k) = (image.dimension, head.outputs)
    let bound = 1 / Double(hidden).squareRoot()
    w = scope.parameter("w", [d, hidden], .uniform(bound: bound), decays: true)
    c = scope.parameter("c", [hidden], .zeros, decays: false)
    v = scope.parameter("v", [d, k, hidden], .uniform(bound: bound), decays: true)
    b = scope.parameter("b", [d, k], .zeros, decays: false)
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch)
    let logits = context.nade(
      context.unitIntensities(batch).value, w: context.variable(w), c: context.variable(c),
      v: context.variable(v), b: context.variable(b))
    return head.distribution(logits)  // [N, D, K]
  }

  // More than others: each pass lays all weights out by blocks first.
  public var inferenceBatch: Int { inferenceBatch(atMost: 256) }

  public func sequentialConditionals(count: Int, in context: Context)
    -> (any SequentialConditionals)?
  {
    Sequence(model: self, count: count, context: context)
  }

  /// Keeps the running activation of each image.
  private final class Sequence: SequentialConditionals {
    let model: NADE
    let context: Context
    let activation: Tensor  // [N, H]
    var seen: SeenSubpixels

    init(model: NADE, count: Int, context: Context) {
      self.model = model
      self.context = context
      activation = Tensor([count, model.c.shape[0]], context.wide)
      for n in 0..<count {
        activation.rows(n..<n + 1).reshaped(model.c.shape).copy(from: model.c.value)
      }
      seen = SeenSubpixels(
        count: count, dimension: model.image.dimension, levels: model.head.levels, context)
    }

    func next() -> any PixelDistribution {
      let (d, k) = (seen.position, model.head.outputs)
      let h = Tensor(activation.shape, context.wide)
      context.backend.activate(.sigmoid, activation, into: h)
      let logits = Tensor([seen.count, k], context.wide)
      context.backend.matrixProduct(
        h, transposed: false, model.v.value.rows(d..<d + 1).reshaped([k, h.shape[1]]),
        transposed: true, bias: model.b.value.rows(d..<d + 1).reshaped([k]),
        activation: .identity, into: logits)
      return model.head.distribution(Variable(logits))
    }

    func observe(_ symbols: [UInt8]) {
      let d = seen.position
      seen.append(symbols)
      // a += x_d W_d: an outer product.
      let x = Tensor([seen.count, 1], context.wide, values: seen.latest)
      let step = Tensor(activation.shape, context.wide)
      context.backend.matrixProduct(
        x, transposed: false, model.w.value.rows(d..<d + 1), transposed: false, bias: nil,
        activation: .identity, into: step)
      context.backend.add(step, into: activation)
    }
  }
}
