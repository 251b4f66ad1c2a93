import Heads
import Images
import Layers
import Randomness
import Tensors

/// Masked autoencoder for distribution estimation (Germain et al. 2015, arXiv:1502.03509): a
/// multi-layer perceptron whose masks let output d see only inputs before d.
///
/// Hidden unit k has a degree m(k) and may depend on the first m(k) sub-pixels: it sees units of the
/// layer below with degree ≤ m(k), and output d (counted from 1) sees units with degree < d. Degrees
/// are drawn uniformly from the smallest degree of the layer below up to D − 1 (section 4.2). Inputs
/// also reach the outputs directly (section 4.3).
///
/// With one mask the units are sorted by degree and the mask is part of the weights. With several,
/// training takes the next one every step, the weights staying whole, and everything else averages
/// the conditionals of all masks: a mean over connectivities of the same order is again a density.
///
/// With `near` a unit's degrees differ by at most a sixteenth of D from one mask of an order to the next, so
/// that it can stay the same feature under all of them; in the paper they are drawn anew.
///
/// With several orders (section 4.2, "order-agnostic") every order has as many masks of its own, over
/// all of which training goes. The first is the raster's, which everything else uses; `Reordering` has the
/// others, and the mean over them. They go by lines and come in pairs, each followed by its opposite, in which a
/// unit of degree m has degree D − m: it sees just what it does not see in the first, so the two orders share no
/// weight but those between units of one degree, and each is learned as if it were alone. Pairs that go by rows
/// differ in the directions of these, and so in what a unit sees of one row: it has one degree in all of them, and
/// another in those by columns. In the paper, and with `lines=off`, orders and degrees are drawn by themselves.
///
/// With a stencil the direct weights have a part that is the same at all places; see `Stencil`. `dropout`
/// holds back a share of each layer's hidden units in training.
public struct MADE: Reordering {
  public let image: ImageShape
  public let head: Head
  let layers: [MaskedLinear]
  /// Of the hidden layers.
  let dropouts: [Dropout]
  let direct: MaskedLinear
  public let whitening: Whitening?
  /// Degrees of the hidden units, by mask and layer: how many leading sub-pixels of the mask's order each
  /// may depend on, 0 … D − 1. Masks of an order stand together.
  public let degrees: [[[Int]]]
  /// Keys the orders.
  private let seed: UInt64
  private let orders: Int
  /// Whether they come in opposite pairs.
  private let lines: Bool
  /// The number of the order in which images are told.
  private var told = 0

  public var orderCount: Int? { orders }
  public var outputBias: Parameter? { layers.last!.bias }
  /// A mean over the masks.
  public var multiplyAdds: Int {
    layers.reduce(direct.multiplyAdds + (whitening?.multiplyAdds ?? 0)) { $0 + $1.multiplyAdds }
  }
  public var passesPerLikelihood: Int { degrees.count / orders }
  // More than others: each pass reads all weights, which are most of its memory.
  public var inferenceBatch: Int { inferenceBatch(atMost: 256) }
  // A step is so little work that many images must share its overhead; eight megabytes of what is remembered
  // of them.
  public func samplingGroup(in precision: Precision) -> Int {
    let remembered = layers.reduce(0) { $0 + $1.weight.shape[1] } * passesPerLikelihood
    return max(48, min(192, (8 << 20) / (remembered * precision.byteCount) / 48 * 48))
  }

  static let hidden = Setting(
    "hidden", .counts, default: "500", "units of each hidden layer, comma-separated")
  static let maskCount = Setting(
    "masks", .count, default: "1", "connectivities of an order, which training cycles through")
  static let near = Setting(
    "near", .fraction, default: "0",
    "share of the sub-pixels by which a unit's reach differs at most between the connectivities of an order;"
      + " 0: each is drawn by itself")
  static let orderCount = Setting(
    "orders", .count, default: "1", "orders of the sub-pixels, likewise; the first is the raster's")
  static let lines = Setting(
    "lines", .toggle, default: "on", before: "off",
    "whether orders go by lines, eight from the corners and others in drawn directions, each even one followed"
      + " by its opposite; off: all but the raster's are random")
  static let stencil = Setting(
    "stencil", .toggle, default: "off",
    "whether direct weights have a part that is the same at all places; of one order")
  static let dropout = Setting(
    "dropout", .fraction, default: "0", "share of a layer's hidden units dropped in training")

  static let family = ModelFamily(
    name: "made", summary: "masked autoencoder, one pass for all conditionals",
    settings: [hidden, maskCount, near, orderCount, lines, stencil, Whitening.setting, dropout],
    batch: 128,
    learningRate: 1e-3,
    make: { specification, seed, scope in
      let orders = try specification.count(orderCount)
      let stencil = try specification.isOn(stencil)
      let whitens = try Whitening.isOn(specification)
      guard orders == 1 || !(stencil || whitens) else {
        throw ModelError.setting(
          "orders", of: "made", expected: "1, with a stencil or whitened inputs",
          found: "\(orders)")
      }
      let masks = try specification.count(maskCount)
      let near = try specification.fraction(near)
      guard masks > 1 || near == 0 else {
        throw ModelError.setting("near", of: "made", expected: "0, with one mask", found: "\(near)")
      }
      return MADE(
        specification.image, specification.head, hidden: try specification.counts(hidden),
        masks: masks, near: near, orders: orders, lines: try specification.isOn(lines),
        stencil: stencil, whitens: whitens,
        dropout: try specification.fraction(dropout), seed: seed, at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, hidden: [Int], masks: Int, near: Double, orders: Int,
    lines: Bool, stencil: Bool, whitens: Bool, dropout: Double, seed: UInt64, at scope: Scope
  ) {
    (self.image, self.head, self.seed, self.orders, self.lines) = (image, head, seed, orders, lines)
    let count = scope.isMeasuring ? 1 : masks * orders
    let order = lines ? orderByLines : drawnOrder
    let ends = (0..<(scope.isMeasuring ? 1 : orders)).map {
      Degrees(image, head, order: order($0, image, head, seed))
    }
    let d = image.dimension
    let reach = Int((near * Double(d)).rounded(.up))
    var degrees: [[[Int]]] = []
    for index in 0..<count {
      let (number, mask) = (index / masks, index % masks)
      // Of the first order of its kind, by rows or by columns.
      let first = number & 2
      if lines && number > first {
        let same = degrees[first * masks + mask]
        degrees.append(number % 2 == 0 ? same : Self.moved(same, d) { d - $0 })
      } else if near > 0 && mask > 0 {
        var random = RandomStream(seed: seed, "near", index)
        degrees.append(
          Self.moved(degrees[number * masks], d) {
            $0 - reach + random.integer(below: 2 * reach + 1)
          })
      } else {
        var random = RandomStream(seed: seed, "connectivity", near > 0 ? number : index)
        degrees.append(Self.drawn(hidden, d, sorted: count == 1, using: &random))
      }
    }
    let sizes = [image.dimension] + hidden + [ends[0].outputCount]
    layers = zip(sizes, sizes.dropFirst()).enumerated().map { index, sides in
      let last = index == hidden.count
      return MaskedLinear(
        sides.0, sides.1, weights: last ? nil : .he(fanIn: sides.0), toldClasses: !last,
        at: scope / (last ? "output" : "hidden\(index)")
      ) {
        degrees.enumerated().map { mask, degrees in
          let ends = ends[mask / masks]
          return MaskedLinear.Connectivity(
            inputs: index == 0 ? ends.inputs : degrees[index - 1],
            outputs: last ? ends.outputs : degrees[index])
        }
      }
    }
    dropouts = hidden.indices.map { Dropout(dropout, at: scope / "dropout\($0)") }
    direct = MaskedLinear(
      image.dimension, ends[0].outputCount, bias: false, weights: .zeros, toldClasses: true,
      stencil: stencil ? Stencil(image, head, at: scope / "direct") : nil, at: scope / "direct"
    ) { ends.map { .init(inputs: $0.inputs, outputs: $0.outputs) } }
    whitening = whitens ? Whitening(image.dimension, at: scope / "whitening") : nil
    self.degrees = degrees
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    precondition(told == 0 || context.tape == nil, "only the raster's order has a way back")
    let whitened = whitening.map { $0(context.units(batch), in: context) }
    let x = whitened?.z ?? context.units(batch)  // D
    let masks = masks(in: context)
    let skip = direct(
      x, connectivity: masks[0] / passesPerLikelihood, of: batch.labels, precision: context.wide,
      last: true, in: context)
    let all = masks.map { mask in
      var h = x
      for (layer, dropout) in zip(layers, dropouts) {
        h = layer(h, connectivity: mask, activation: .relu, of: batch.labels, in: context)
        h = dropout(h, in: context)
      }
      let logits = layers.last!(h, connectivity: mask, adding: skip, last: true, in: context)
      return distribution(context.rows(logits), whitened, in: context)  // [N, D K]
    }
    return all.count == 1 ? all[0] : AveragedConditionals(all)
  }

  /// One of them in each step of training, all of them elsewhere.
  private func masks(in context: Context) -> [Int] {
    if case .training(let step, _) = context.mode { return [step % degrees.count] }
    return Array(told * passesPerLikelihood..<(told + 1) * passesPerLikelihood)
  }

  public func order(_ number: Int) -> [Int] {
    let order = lines ? orderByLines : drawnOrder
    return order(number, image, head, seed)
  }

  public func telling(inOrder number: Int) -> any DensityModel {
    var other = self
    other.told = number
    return other
  }

  private static func drawn(
    _ hidden: [Int], _ dimension: Int, sorted: Bool, using random: inout RandomStream
  ) -> [[Int]] {
    // A single sub-pixel has no past: all units then are constants, of degree 0.
    var smallest = min(1, dimension - 1)
    return hidden.map { size in
      var layer = (0..<size).map { _ in smallest + random.integer(below: dimension - smallest) }
      if sorted { layer.sort() }
      smallest = layer.min()!
      return layer
    }
  }

  /// Others moved, as far as each unit still sees one of the layer below.
  private static func moved(
    _ others: [[Int]], _ dimension: Int, to place: (Int) -> Int
  ) -> [[Int]] {
    var smallest = min(1, dimension - 1)
    return others.map { others in
      let layer = others.map { min(max(place($0), smallest), dimension - 1) }
      smallest = layer.min()!
      return layer
    }
  }
}
