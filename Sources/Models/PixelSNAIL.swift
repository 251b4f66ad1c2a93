import Heads
import Images
import Layers
import Tensors

/// PixelSNAIL (Chen et al. 2018, arXiv:1712.09763, section 3 and figure 3): convolutions, which see near
/// and many details, and attention, which sees all that came before. On features F of the pixels before:
///
///     F = 7×7 mask A image  +  1×1 the pixel before, in raster order
///     blocks × [units × [F += gate(2×3 mask B, ReLU, 2×3 mask B, ReLU F)]
///               A = attention of 1×1 F to 1×1 F  (F with the places of its pixels)
///               F += gate(1×1 ReLU F  +  1×1 ReLU A)]
///     1×1 ReLU F, with the known channels of the pixel itself, ReLU, 1×1, ReLU, 1×1 → outputs
///
/// where gate(t, s) = tanh(t) σ(s).
///
/// Where we depart from the paper: gates have a tanh and activations are ReLU, not concatenated ELU;
/// places are learned vectors by row and column; keys and values do not see the image again; and the
/// network knows whole pixels, of the channels of its own pixel only the last layers (`PixelColours`).
/// Features tell all but their own pixel, so attention alone would not see the last pixel of the row
/// above, which no feature tells before the end of the next row. The second part of F tells each at once.
/// The convolutions that are causal by a shift in the paper are so by their masks, cropped.
public struct PixelSNAIL: DensityModel {
  struct Unit {
    let inner: CausalConvolution
    let classes: ClassBias?
    let outer: CausalConvolution
    let gate: Gate
  }
  struct Block {
    let units: [Unit]
    let places: Positions
    let query: CausalConvolution
    let keysValues: CausalConvolution
    let attention: Attention
    let near: CausalConvolution
    let far: CausalConvolution
    let classes: ClassBias?
    let gate: Gate
  }

  public let image: ImageShape
  public let head: Head
  let first: ImageConvolution
  let before: CausalConvolution
  let firstClasses: ClassBias?
  let blocks: [Block]
  let end: PixelColours
  public var outputBias: Parameter? { end.output.bias }

  static let blockCount = Setting("blocks", .count, default: "3", "blocks, an attention in each")
  static let units = Setting("units", .count, default: "3", "gated residual units of a block")
  static let channels = Setting("channels", .count, default: "32", "h: channels of the stream")
  static let keys = Setting("keys", .count, default: "16", "components of a query and of a key")
  static let values = Setting("values", .count, default: "32", "components of a value")
  static let dropout = Setting(
    "dropout", .fraction, default: "0.05", "share of the gates' outputs dropped in training")

  static let family = ModelFamily(
    name: "pixelsnail", summary: "gated causal convolutions with causal attention",
    settings: [blockCount, units, channels, keys, values, dropout],
    batch: 16, learningRate: 1.5e-3, prefersBFloat16: true, optimiser: .muon,
    make: { specification, _, scope in
      let (h, colours) = (try specification.count(channels), specification.image.channels)
      guard h >= colours else {
        throw ModelError.setting(
          "channels", of: "pixelsnail",
          expected: "at least \(colours) (one a colour)", found: "\(h)")
      }
      return PixelSNAIL(
        specification.image, specification.head, blocks: try specification.count(blockCount),
        units: try specification.count(units), channels: h, keys: try specification.count(keys),
        values: try specification.count(values), dropout: try specification.fraction(dropout),
        at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, blocks count: Int, units: Int, channels h: Int, keys: Int,
    values: Int, dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.head = head
    func layer(_ inputs: Int, _ outputs: Int, size: Int = 1, gain: Double = 1, _ name: Scope)
      -> CausalConvolution
    {
      CausalConvolution(
        inputs, outputs, size: size, centre: .included, colours: 1, gain: gain, at: name)
    }
    first = ImageConvolution(
      channels: image.channels, h, size: 7, colours: 1, planes: scope.coordinates(image, 0),
      at: scope / "first")
    before = layer(image.channels, h, gain: 0.5, scope / "before")
    firstClasses = ClassBias(h, at: scope / "before")
    // Small at first, so that the stream's variance does not grow with depth.
    let share = 1 / Double(count * (units + 1)).squareRoot()
    let even = 0.5.squareRoot()
    let pixels = image.height * image.width
    blocks = (0..<count).map { index in
      let scope = scope / "block\(index)"
      let keysValues = layer(h, keys + values, gain: even, scope / "keys-values")
      return Block(
        units: (0..<units).map { index in
          let scope = scope / "unit\(index)"
          return Unit(
            inner: layer(h, h, size: 3, scope / "inner"),
            classes: ClassBias(h, at: scope / "inner"),
            outer: layer(h, 2 * h, size: 3, gain: 2 * share, scope / "outer"),
            gate: Gate(groups: 1, dropout: dropout, at: scope))
        },
        places: Positions(
          rows: image.height, columns: image.width, steps: 1, channels: h, at: scope / "places"),
        query: layer(h, keys, gain: even, scope / "query"), keysValues: keysValues,
        attention: Attention(
          AttentionShape(heads: 1, keys: keys, values: values), length: pixels,
          owner: keysValues.weight),
        near: layer(h, 2 * h, gain: share, scope / "near"),
        far: layer(values, 2 * h, gain: share, scope / "far"),
        classes: ClassBias(2 * h, at: scope / "far"),
        gate: Gate(groups: 1, dropout: dropout, at: scope))
    }
    end = PixelColours(image, head, channels: h, at: scope / "end")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let start = context.convolve(batch, first)  // [N, H, W, h]
    let outputs = end(batch, in: context) {
      var stream = context.biased(
        before(context.pixelsBefore(batch, first), adding: start, in: context), by: firstClasses,
        of: batch.labels)
      for block in blocks {
        for unit in block.units {
          let a = context.biased(
            unit.inner(stream, rectified: true, in: context), by: unit.classes, of: batch.labels)
          let b = unit.outer(a, rectified: true, in: context)  // [N, H, W, 2h]
          stream = context.sum(stream, unit.gate(b, in: context))
        }
        let placed = block.places(
          stream, place: context.memory.map { $0.known / image.channels }, in: context)
        let attended = block.attention(
          block.query(placed, in: context), block.keysValues(placed, in: context), in: context)
        let near = block.near(stream, rectified: true, in: context)  // [N, H, W, 2h]
        let both = context.biased(
          block.far(attended, rectified: true, adding: near, in: context), by: block.classes,
          of: batch.labels)
        stream = context.sum(stream, block.gate(both, in: context))
      }
      return stream
    }
    return distribution(context.nextStep(outputs, of: head))
  }

  /// Each kernel at each pixel, and each pair of pixels at attention.
  public var multiplyAdds: Int {
    let weights =
      [first.convolution.weight, before.weight] + end.weights
      + blocks.flatMap { block in
        [block.query, block.keysValues, block.near, block.far].map(\.weight)
          + block.units.flatMap { [$0.inner.weight, $0.outer.weight] }
      }
    return image.height * image.width * weights.reduce(0) { $0 + $1.count }
      + blocks.reduce(0) { $0 + $1.attention.multiplyAdds }
  }

  // What is kept of the images of a group is read at every pixel: so many that it stays in the caches.
  public func samplingGroup(in precision: Precision) -> Int {
    let shape = blocks[0].attention.shape
    let bytes =
      blocks.count * image.height * image.width * shape.keyValueWidth * precision.byteCount
    return max(6, min(48, (8 << 20) / bytes / 6 * 6))
  }
}
