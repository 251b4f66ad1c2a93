import Distributions
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
public struct MADE: DensityModel {
  public let image: ImageShape
  public let head: Head
  let layers: [Linear]
  public var outputBias: Parameter { layers.last!.bias! }
  let direct: Linear
  let masks: [Connectivity]

  /// Degrees of the hidden units, by mask and layer: how many leading sub-pixels each may depend on,
  /// 0 … D − 1.
  public var degrees: [[[Int]]] { masks.map(\.degrees) }

  static let hidden = Setting(
    "hidden", .counts, default: "500", "units of each hidden layer, comma-separated")
  static let maskCount = Setting(
    "masks", .count, default: "1", "connectivities that training cycles through")

  static let family = ModelFamily(
    name: "made", summary: "masked autoencoder, one pass for all conditionals",
    settings: [hidden, maskCount],
    batch: 128, learningRate: 1e-3,
    weights: { specification in
      let (d, k) = (specification.image.dimension, specification.head.outputs)
      let sizes = [d] + (try specification.counts(hidden)) + [d * k]
      return zip(sizes, sizes.dropFirst()).reduce(d * d * k) { $0 + $1.0 * $1.1 }
    },
    make: { specification, seed, scope in
      MADE(
        specification.image, specification.head, hidden: try specification.counts(hidden),
        masks: try specification.count(maskCount), seed: seed, at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, hidden: [Int], masks count: Int, seed: UInt64,
    at scope: Scope
  ) {
    self.image = image
    self.head = head
    let (d, k) = (image.dimension, head.outputs)
    masks = (0..<count).map { index in
      var random = RandomStream(seed: seed, "connectivity", index)
      return Connectivity(dimension: d, hidden: hidden, sorted: count == 1, using: &random)
    }
    let sizes = [d] + hidden + [d * k]
    let fixed = masks.count == 1 ? masks[0] : nil
    var layers: [Linear] = []
    for (index, (inputs, outputs)) in zip(sizes, sizes.dropFirst()).enumerated() {
      let last = index == hidden.count
      layers.append(
        Linear(
          inputs, outputs, mask: fixed?.mask(index, outputs: k, scope.precision),
          weights: last ? nil : .he(fanIn: inputs),
          at: scope / (last ? "output" : "hidden\(index)")))
    }
    self.layers = layers
    direct = Linear(
      d, d * k, mask: .prefixMask((0..<d * k).map { $0 / k }, columns: d, scope.precision),
      bias: false, weights: .zeros, at: scope / "direct")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch)
    let x = context.unitIntensities(batch)  // [N, D]
    if masks.count == 1 { return conditionals(x, weights: nil, in: context) }
    if context.tape != nil {
      return conditionals(x, weights: masks[context.step % masks.count], in: context)
    }
    return AveragedConditionals(masks.map { conditionals(x, weights: $0, in: context) })
  }

  private func conditionals(_ x: Variable, weights mask: Connectivity?, in context: Context)
    -> any PixelDistribution
  {
    var h = x.cast(to: context.precision, in: context)
    for (index, layer) in layers.enumerated() {
      let last = index == layers.count - 1
      h = layer(
        h, weights: mask.map { maskedWeights(index, $0, in: context) },
        activation: last ? .identity : .relu, precision: last ? context.wide : nil, in: context)
    }
    return head.distribution(context.sum(h, direct(x, in: context)))  // [N, D K]
  }

  /// A mean over the masks.
  public var multiplyAdds: Int {
    let live = masks.map { mask in
      layers.indices.reduce(0) {
        $0 + mask.mask($1, outputs: head.outputs, .float32).nonZeroCount
      }
    }
    return direct.weight.count + live.reduce(0, +) / live.count
  }

  // More than others: each pass reads all weights, which are most of its memory.
  public var inferenceBatch: Int { inferenceBatch(atMost: 256) }
  public var passesPerLikelihood: Int { masks.count }

  private func maskedWeights(_ index: Int, _ mask: Connectivity, in context: Context) -> Variable {
    let weight = layers[index].weight
    return context.masked(
      context.variable(weight),
      by: mask.mask(index, outputs: head.outputs, weight.value.precision))
  }

  public func sequentialConditionals(count: Int, in context: Context)
    -> (any SequentialConditionals)?
  {
    Sequence(model: self, count: count, context: context)
  }

  /// Computes each unit once, when the last sub-pixel that it depends on is known.
  private final class Sequence: SequentialConditionals {
    /// One connectivity with its units in order of degree.
    struct Member {
      /// `[units, units below]`, masked; the output layer last.
      var weights: [Tensor]
      var biases: [Tensor]
      /// Unit ranges of each hidden layer by degree 0 … D − 1.
      var ranges: [[Range<Int>]]
      /// `[N, units]`, zero where not yet known.
      var hidden: [Tensor]
    }

    let model: MADE
    let context: Context
    var seen: SeenSubpixels
    var members: [Member]

    init(model: MADE, count: Int, context: Context) {
      self.model = model
      self.context = context
      seen = SeenSubpixels(
        count: count, dimension: model.image.dimension, levels: model.head.levels, context)
      members = model.masks.map { mask in
        var weights: [Tensor] = []
        var biases: [Tensor] = []
        var below: [Int]? = nil
        for (index, layer) in model.layers.enumerated() {
          let masked =
            model.masks.count == 1
            ? layer.weight.value : model.maskedWeights(index, mask, in: context).value
          let order =
            index < mask.degrees.count
            ? mask.degrees[index].indices.sorted {
              mask.degrees[index][$0] < mask.degrees[index][$1]
            }
            : nil
          weights.append(masked.permuted(rows: order, columns: below))
          biases.append(
            layer.bias!.value.reshaped([layer.bias!.shape.count, 1])
              .permuted(rows: order, columns: nil).reshaped([layer.bias!.shape.count]))
          below = order
        }
        return Member(
          weights: weights, biases: biases,
          ranges: mask.degrees.map { Self.ranges($0, dimension: model.image.dimension) },
          hidden: mask.degrees.map { .zeros([count, $0.count], context.wide) })
      }
      // Units of degree 0 depend on nothing.
      advance(to: 0)
    }

    /// Where the units of each degree stand once sorted.
    static func ranges(_ degrees: [Int], dimension: Int) -> [Range<Int>] {
      var counts = [Int](repeating: 0, count: dimension + 1)
      for degree in degrees { counts[degree] += 1 }
      var start = 0
      return counts.map { count in
        defer { start += count }
        return start..<start + count
      }
    }

    func next() -> any PixelDistribution {
      let k = model.head.outputs
      let rows = seen.position * k..<(seen.position + 1) * k
      let directPart = Tensor([seen.count, k], context.wide)
      context.backend.matrixProduct(
        seen.x, transposed: false, model.direct.weight.value.rows(rows), transposed: true,
        bias: nil, activation: .identity, into: directPart)
      let all = members.map { member in
        let logits = Tensor([seen.count, k], context.wide)
        context.backend.matrixProduct(
          member.hidden.last ?? seen.x, transposed: false, member.weights.last!.rows(rows),
          transposed: true, bias: member.biases.last!.rows(rows), activation: .identity,
          into: logits)
        context.backend.add(directPart, into: logits)
        return model.head.distribution(Variable(logits))
      }
      return all.count == 1 ? all[0] : AveragedConditionals(all)
    }

    func observe(_ symbols: [UInt8]) {
      seen.append(symbols)
      advance(to: seen.position)
    }

    /// Computes the units of one degree, layer by layer.
    private func advance(to degree: Int) {
      for member in members {
        var below = seen.x
        for (index, ranges) in member.ranges.enumerated() {
          let units = ranges[degree]
          if !units.isEmpty {
            let h = Tensor([seen.count, units.count], context.wide)
            context.backend.matrixProduct(
              below, transposed: false, member.weights[index].rows(units), transposed: true,
              bias: member.biases[index].rows(units), activation: .relu, into: h)
            member.hidden[index].setColumns(from: units.lowerBound, to: h)
          }
          below = member.hidden[index]
        }
      }
    }
  }
}

/// The degrees of the hidden units of every layer: which units may see which.
struct Connectivity {
  /// Degrees by layer, each 0 … D − 1: how many leading sub-pixels a unit may depend on.
  let degrees: [[Int]]
  let dimension: Int

  init(
    dimension: Int, hidden: [Int], sorted: Bool, using random: inout RandomStream
  ) {
    self.dimension = dimension
    var degrees: [[Int]] = []
    // A single sub-pixel has no past: all units then are constants, of degree 0.
    var smallest = min(1, dimension - 1)
    for size in hidden {
      var layer = (0..<size).map { _ in smallest + random.integer(below: dimension - smallest) }
      if sorted { layer.sort() }
      smallest = layer.min()!
      degrees.append(layer)
    }
    self.degrees = degrees
  }

  /// 1 where a unit of layer `index` sees one of the layer below; layer `degrees.count` is the output
  /// with `outputs` rows a sub-pixel.
  func mask(_ index: Int, outputs: Int, _ precision: Precision) -> Tensor {
    // An input, counted from 1, is a unit whose degree is its own place.
    let below = index == 0 ? Array(1...dimension) : degrees[index - 1]
    // Output d, counted from 0, may depend on the d sub-pixels before it.
    let above =
      index == degrees.count
      ? (0..<dimension * outputs).map { $0 / outputs } : degrees[index]
    let mask = Tensor.zeros([above.count, below.count], precision)
    for (row, degree) in above.enumerated() {
      for (column, least) in below.enumerated() where least <= degree {
        mask.set(row * below.count + column, to: 1)
      }
    }
    return mask
  }
}
