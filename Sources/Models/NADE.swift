import Heads
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
///
/// Outputs may also see the sub-pixels themselves, + Σ_{e<d} A_de x_e, as in MADE.
///
/// With a mixture of normal distributions it is RNADE (Uria, Murray and Larochelle 2013,
/// arXiv:1306.0186), whose units are rectified. Intensities are best told it whitened; see `Whitening`.
public struct NADE: DensityModel {
  public let image: ImageShape
  public let head: Head
  let w: Parameter  // [D, H]
  let c: Parameter  // [H]
  let v: Parameter  // [D, K, H]
  let b: Parameter  // [D, K]
  let hiddenClasses: ClassBias?  // [classes, H]
  let classes: ClassBias?  // [classes, D K]
  let direct: MaskedLinear?  // [D K, D]
  let units: Activation
  public let whitening: Whitening?
  public var outputBias: Parameter? { b }
  /// D H for the running activation and D H K for the logits.
  public var multiplyAdds: Int {
    w.count + v.count + (direct?.multiplyAdds ?? 0) + (whitening?.multiplyAdds ?? 0)
  }
  // More than others: weights are read once for many images.
  public var inferenceBatch: Int { inferenceBatch(atMost: 256) }
  // A step is so little work that many images must share its overhead.
  public func samplingGroup(in precision: Precision) -> Int { 128 }

  static let hidden = Setting("hidden", .count, default: "500", "hidden units")
  static let direct = Setting(
    "direct", .toggle, default: "off", "whether outputs also see the sub-pixels themselves")
  static let units = Setting(
    "units", .choice(["sigmoid", "rectified"]), default: "sigmoid", "what hidden units are")

  static let family = ModelFamily(
    name: "nade", summary: "shared weights and a running activation, O(D H) an image",
    settings: [hidden, direct, units, Whitening.setting], batch: 128, learningRate: 1e-3,
    tellsPixels: false,
    make: { specification, _, scope in
      NADE(
        specification.image, specification.head, hidden: try specification.count(hidden),
        direct: try specification.isOn(direct),
        units: try specification.choice(units) == "rectified" ? .relu : .sigmoid,
        whitens: try Whitening.isOn(specification), at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, hidden: Int, direct: Bool, units: Activation, whitens: Bool,
    at scope: Scope
  ) {
    (self.image, self.head, self.units) = (image, head, units)
    let (d, k) = (image.dimension, head.outputs(channels: image.channels))
    let bound = 1 / Double(hidden).squareRoot()
    w = scope.parameter("w", [d, hidden], .uniform(bound: bound), decays: true)
    c = scope.parameter("c", [hidden], .zeros, decays: false)
    v = scope.parameter("v", [d, k, hidden], .uniform(bound: bound), decays: true)
    b = scope.parameter("b", [d, k], .zeros, decays: false)
    hiddenClasses = ClassBias(hidden, at: scope / "hidden")
    classes = ClassBias(d * k, at: scope / "output")
    let degrees = Degrees(image, head)
    self.direct =
      direct
      ? MaskedLinear(d, d * k, bias: false, weights: .zeros, at: scope / "direct") {
        [.init(inputs: degrees.inputs, outputs: degrees.outputs)]
      } : nil
    whitening = whitens ? Whitening(d, at: scope / "whitening") : nil
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let whitened = whitening.map { $0(context.units(batch), in: context) }
    let x = whitened?.z ?? context.units(batch)
    var logits = context.nade(  // [N, D, K]
      context.rows(x), w: w, c: c, v: v, b: b, units: units, classes: hiddenClasses,
      of: batch.labels)
    if let direct {
      let sums = context.rows(direct(x, precision: context.wide, last: true, in: context))
      logits = context.sum(logits, sums.reshaped(logits.shape))
    }
    // Of the next sub-pixel alone, where there is a memory.
    let next = context.memory.map { $0.known * outputsAStep..<($0.known + 1) * outputsAStep }
    return distribution(
      context.biased(logits, by: classes, next, of: batch.labels), whitened, in: context)
  }
}
