import Distributions
import Images
import Layers
import Tensors

/// PixelCNN with residual blocks (van den Oord, Kalchbrenner and Kavukcuoglu 2016, arXiv:1601.06759,
/// section 3.5 and figure 5):
///
///     7×7 mask A, 2h channels
///     blocks × [ReLU, 1×1 2h→h, ReLU, 3×3 mask B h→h, ReLU, 1×1 h→2h, + input]
///     ReLU, 1×1 2h→2h, ReLU, 1×1 → logits
///
/// One stack of masked convolutions misses a wedge to the right above (the blind spot of the paper
/// that followed, arXiv:1606.05328). With colour, every layer is masked between R, G and B. Intensities
/// go in as −1…1, so that the zero padding stands apart from black.
///
/// Where we depart from the paper: two further channels tell the first layer its row and column
/// (Liu et al. 2018, arXiv:1807.03247). Images are aligned, but a convolution knows its place only
/// as far as its reach from the edge. `position=off` is the paper's network. And `dropout` holds
/// back a share of each block's activations in training, against overfitting.
public struct PixelCNN: DensityModel {
  struct Block {
    let reduce: CausalConvolution
    let spread: CausalConvolution
    let dropout: Dropout
    let expand: CausalConvolution
  }

  public let image: ImageShape
  public let head: Head
  /// Row and column of each pixel, −1…1: `[H, W, 2]`, or `[H, W, 0]` where they are not told.
  let planes: Tensor
  let first: CausalConvolution
  let blocks: [Block]
  let gather: CausalConvolution
  let output: CausalConvolution
  public var outputBias: Parameter { output.bias }

  static let blockCount = Setting("blocks", .count, default: "5", "residual blocks")
  static let channels = Setting(
    "channels", .count, default: "32", "h: channels inside a block; the stream has 2h")

  static let position = Setting(
    "position", .toggle, default: "on", "whether the network is told rows and columns")
  static let dropout = Setting(
    "dropout", .fraction, default: "0", "share of a block's activations dropped in training")

  static let family = ModelFamily(
    name: "pixelcnn", summary: "masked convolutions with residual blocks",
    settings: [blockCount, channels, position, dropout],
    batch: 32, learningRate: 2e-3, prefersBFloat16: true,
    weights: { specification in
      let (h, k) = (try specification.count(channels), specification.head.outputs)
      let c = specification.image.channels
      return 28 * (c + 2) * 2 * h + (try specification.count(blockCount)) * 10 * h * h + 4 * h * h
        + 2 * h * c * k
    },
    make: { specification, _, scope in
      let model = PixelCNN(
        specification.image, specification.head, blocks: try specification.count(blockCount),
        channels: try specification.count(channels), position: try specification.isOn(position),
        dropout: try specification.fraction(dropout), at: scope)
      guard try specification.count(channels) >= specification.image.channels else {
        throw ModelError.invalid(
          "setting channels of pixelcnn: expected at least \(specification.image.channels)"
            + " (one a colour), found \(try specification.count(channels))")
      }
      return model
    })

  init(
    _ image: ImageShape, _ head: Head, blocks: Int, channels h: Int, position: Bool,
    dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.head = head
    let colours = image.channels
    func pointwise(_ inputs: Int, _ outputs: Int, gain: Double = 1, _ scope: Scope)
      -> CausalConvolution
    {
      CausalConvolution(
        inputs, outputs, size: 1, centre: .included, colours: colours, gain: gain, at: scope)
    }
    planes = Self.coordinates(image, position ? 2 : 0, scope.precision)
    first = CausalConvolution(
      colours, 2 * h, size: 7, centre: .excluded, colours: colours, constants: planes.shape[2],
      at: scope / "first")
    self.blocks = (0..<blocks).map { index in
      let scope = scope / "block\(index)"
      return Block(
        reduce: pointwise(2 * h, h, scope / "reduce"),
        spread: CausalConvolution(
          h, h, size: 3, centre: .included, colours: colours, at: scope / "spread"),
        dropout: Dropout(dropout, at: scope / "dropout"),
        // Small at first, so that the stream's variance does not grow with depth.
        expand: pointwise(h, 2 * h, gain: 1 / Double(blocks).squareRoot(), scope / "expand"))
    }
    gather = pointwise(2 * h, 2 * h, scope / "gather")
    output = pointwise(2 * h, colours * head.outputs, gain: 0.1, scope / "output")
  }

  /// The first `count` of row and column of each pixel's middle, −1 at the first edge to 1 at the last.
  private static func coordinates(_ image: ImageShape, _ count: Int, _ precision: Precision)
    -> Tensor
  {
    func place(_ index: Int, of side: Int) -> Double { Double(2 * index + 1) / Double(side) - 1 }
    var values: [Double] = []
    for row in 0..<image.height {
      for column in 0..<image.width {
        values += [place(row, of: image.height), place(column, of: image.width)].prefix(count)
      }
    }
    return Tensor([image.height, image.width, count], precision, values: values)
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch)
    return head.distribution(logits(batch, from: 0, in: context))
  }

  /// `[N, H, W, C]` → `[N, H, W, C K]`, for the rows of the images from `top` on.
  private func logits(_ batch: PixelBatch, from top: Int, in context: Context) -> Variable {
    var x = context.intensities(
      batch.symbols, shape: [batch.count, batch.height, batch.width, batch.channels],
      scale: 2 / Double(batch.levels - 1), offset: -1)
    if planes.shape[2] > 0 {
      x = context.appendChannels(planes.rows(top..<top + batch.height), to: x)
    }
    var stream = first(x, in: context)  // [N, H, W, 2h]
    for block in blocks {
      let a = block.reduce(stream, rectified: true, in: context)  // [N, H, W, h]
      let b = block.dropout(block.spread(a, rectified: true, in: context), in: context)
      stream = block.expand(b, rectified: true, adding: stream, in: context)
    }
    let features = gather(stream, rectified: true, in: context)
    return output(features, rectified: true, precision: context.wide, in: context)
  }

  public func sequentialConditionals(count: Int, in context: Context)
    -> (any SequentialConditionals)?
  {
    Sequence(model: self, count: count, context: context)
  }

  /// Runs the network on only those rows that the current one can see: three above for the first
  /// layer and one more a block.
  private final class Sequence: SequentialConditionals {
    let model: PixelCNN
    let context: Context
    var symbols: [[UInt8]]
    var position = 0

    init(model: PixelCNN, count: Int, context: Context) {
      self.model = model
      self.context = context
      symbols = Array(
        repeating: [UInt8](repeating: 0, count: model.image.dimension), count: count)
    }

    func next() -> any PixelDistribution {
      let rowSize = model.image.width * model.image.channels
      let row = position / rowSize
      let top = max(0, row - 3 - model.blocks.count)
      let window = PixelBatch(
        count: symbols.count, height: row + 1 - top, width: model.image.width,
        channels: model.image.channels, levels: model.head.levels,
        symbols: symbols.flatMap { $0[top * rowSize..<(row + 1) * rowSize] })
      let logits = model.logits(window, from: top, in: context).value
      let k = model.head.outputs
      // Only the current sub-pixel: [N, rows, W C, K] → [N, K].
      let current = Tensor([symbols.count, k], logits.precision)
      let stride = window.dimension * k
      for n in symbols.indices {
        for level in 0..<k {
          current.set(
            n * k + level, to: logits.element(n * stride + (position - top * rowSize) * k + level))
        }
      }
      return model.head.distribution(Variable(current))
    }

    func observe(_ latest: [UInt8]) {
      for (n, symbol) in latest.enumerated() { symbols[n][position] = symbol }
      position += 1
    }
  }

  /// Each kernel at each pixel.
  public var multiplyAdds: Int {
    let convolutions =
      [first, gather, output] + blocks.flatMap { [$0.reduce, $0.spread, $0.expand] }
    return image.height * image.width * convolutions.reduce(0) { $0 + $1.weight.count }
  }
}
