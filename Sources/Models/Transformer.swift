import Heads
import Images
import Layers
import Tensors

/// A transformer over sub-pixels in raster order (Vaswani et al. 2017, arXiv:1706.03762; of images
/// Parmar et al. 2018, arXiv:1802.05751, and Child et al. 2019, arXiv:1904.10509). With x_0 standing for
/// the start:
///
///     z_i = W x_{i-1} + row_i + column_i + colour_i          (+ start, where i is the first)
///     layers × [z += attention(norm z);  z += 1×1 4d→d GELU 1×1 d→4d norm z]
///     norm, 1×1 → outputs of step i
///
/// A position is told the step before it and attends to the positions up to its own, so a conditional
/// depends on all that came before, however far. Positions are learned vectors by row, column and
/// channel; where the head draws whole pixels a step is a pixel. All heads share one head of keys and
/// values (Shazeer 2019, arXiv:1911.02150): what a draw reads at each step is a fraction.
///
/// Where we depart from those papers: normalisation comes before each part (Xiong et al. 2020,
/// arXiv:2002.04745), intensities −1…1 go in as they are instead of an embedding of each level, and
/// attention is never local or sparse.
public struct Transformer: DensityModel {
  struct Layer {
    let beforeAttention: LayerNorm
    let query: CausalConvolution
    let keysValues: CausalConvolution
    let attention: Attention
    let merge: CausalConvolution
    let beforeUnits: LayerNorm
    let expand: CausalConvolution
    let classes: ClassBias?
    let dropout: Dropout
    let contract: CausalConvolution
  }

  public let image: ImageShape
  public let head: Head
  let embed: CausalConvolution
  let positions: Positions
  let firstClasses: ClassBias?
  let layers: [Layer]
  let norm: LayerNorm
  let output: CausalConvolution
  public var outputBias: Parameter? { output.bias }

  static let layerCount = Setting("layers", .count, default: "6", "layers of attention and units")
  static let channels = Setting("channels", .count, default: "64", "d: channels of the stream")
  static let heads = Setting("heads", .count, default: "4", "heads; a divisor of the channels")
  static let multiquery = Setting(
    "multiquery", .toggle, default: "on", before: "off",
    "one head of keys and values for all heads")
  static let dropout = Setting(
    "dropout", .fraction, default: "0", "share of the units dropped in training")

  static let family = ModelFamily(
    name: "transformer", summary: "masked self-attention over all earlier sub-pixels",
    settings: [layerCount, channels, heads, multiquery, dropout],
    batch: 16, learningRate: 1e-3, prefersBFloat16: true, optimiser: .muon,
    make: { specification, _, scope in
      let (d, count) = (try specification.count(channels), try specification.count(heads))
      guard d % count == 0 else {
        throw ModelError.setting(
          "heads", of: "transformer",
          expected: "a divisor of \(d) channels", found: "\(count)")
      }
      return Transformer(
        specification.image, specification.head, layers: try specification.count(layerCount),
        channels: d, heads: count, multiquery: try specification.isOn(multiquery),
        dropout: try specification.fraction(dropout), at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, layers count: Int, channels d: Int, heads: Int,
    multiquery: Bool, dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.head = head
    let steps = head.steps(channels: image.channels)
    let length = image.height * image.width * steps
    let attention = AttentionShape(
      heads: heads, groups: multiquery ? 1 : heads, keys: d / heads, values: d / heads)
    func linear(_ inputs: Int, _ outputs: Int, gain: Double, _ name: Scope) -> CausalConvolution {
      CausalConvolution(
        inputs, outputs, size: 1, centre: .included, colours: 1, gain: gain, at: name)
    }
    // He's variance is twice what a layer without a ReLU before it needs; and what is added to the
    // stream is small at first, so that its variance does not grow with depth.
    let even = 0.5.squareRoot()
    let share = even / Double(2 * count).squareRoot()
    embed = linear(image.channels / steps, d, gain: even, scope / "embed")
    positions = Positions(
      rows: image.height, columns: image.width, steps: steps, channels: d,
      at: scope / "positions")
    firstClasses = ClassBias(d, at: scope / "positions")
    layers = (0..<count).map { index in
      let scope = scope / "layer\(index)"
      let keysValues = linear(d, attention.keyValueWidth, gain: even, scope / "keys-values")
      return Layer(
        beforeAttention: LayerNorm(d, at: scope / "before-attention"),
        query: linear(d, d, gain: even, scope / "query"), keysValues: keysValues,
        attention: Attention(attention, length: length, owner: keysValues.weight),
        merge: linear(d, d, gain: share, scope / "merge"),
        beforeUnits: LayerNorm(d, at: scope / "before-units"),
        expand: linear(d, 4 * d, gain: even, scope / "expand"),
        classes: ClassBias(4 * d, at: scope / "expand"),
        dropout: Dropout(dropout, at: scope / "dropout"),
        contract: linear(4 * d, d, gain: share, scope / "contract"))
    }
    norm = LayerNorm(d, at: scope / "norm")
    output = linear(d, head.outputs(channels: image.channels), gain: 0.1, scope / "output")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let told = stepsBefore(batch, in: context)  // [N, H, W steps, sub-pixels a step]
    let placed = positions(  // [N, H, W steps, d]
      embed(context.cast(told, to: context.precision), in: context),
      place: context.memory.map { $0.known / subpixelsAStep }, in: context)
    var stream = context.biased(placed, by: firstClasses, of: batch.labels)
    for layer in layers {
      let z = layer.beforeAttention(stream, in: context)
      let attended = layer.attention(
        layer.query(z, in: context), layer.keysValues(z, in: context), in: context)
      stream = layer.merge(attended, adding: stream, in: context)
      let expanded = layer.expand(layer.beforeUnits(stream, in: context), in: context)
      let units = context.gelu(  // [N, H, W steps, 4d]
        context.biased(expanded, by: layer.classes, of: batch.labels))
      stream = layer.contract(
        layer.dropout(units, in: context), adding: stream, in: context)
    }
    let outputs = output(norm(stream, in: context), precision: context.wide, in: context)
    return distribution(outputs)
  }

  /// Intensities −1…1 of the step before each, of none before the first: zeros.
  private func stepsBefore(_ batch: PixelBatch, in context: Context) -> Variable {
    let each = subpixelsAStep
    guard let memory = context.memory else {
      let known = context.intensities(batch, shape: [batch.count, steps, each], from: -1, to: 1)
      return context.before(known).reshaped(
        [batch.count, image.height, steps / image.height, each])
    }
    let shape: Shape = [memory.images, 1, 1, each]
    guard batch.dimension > 0 else { return Variable(.zeros(shape, context.wide)) }
    return context.intensities(batch, shape: shape, from: -1, to: 1)
  }

  /// Each matrix at each position, and each pair of positions at attention.
  public var multiplyAdds: Int {
    let matrices =
      [embed, output]
      + layers.flatMap { [$0.query, $0.keysValues, $0.merge, $0.expand, $0.contract] }
    let attended = layers.reduce(0) { $0 + $1.attention.multiplyAdds }
    return steps * matrices.reduce(0) { $0 + $1.weight.count } + attended
  }

  // What is kept of the images of a group is read at every step: so many that it stays in the caches, and
  // where it can be whole tiles of six.
  public func samplingGroup(in precision: Precision) -> Int {
    let bytes =
      precision.byteCount * steps * layers.reduce(0) { $0 + $1.attention.shape.keyValueWidth }
    let fitting = max(2, min(48, (10 << 20) / bytes))
    return fitting < 6 ? fitting : fitting / 6 * 6
  }
}
