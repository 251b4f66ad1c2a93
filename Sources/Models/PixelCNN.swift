import Heads
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
    let classes: ClassBias?
    let dropout: Dropout
    let expand: CausalConvolution
  }

  public let image: ImageShape
  public let head: Head
  let first: ImageConvolution
  let firstClasses: ClassBias?
  let blocks: [Block]
  let gather: CausalConvolution
  let lastClasses: ClassBias?
  let output: CausalConvolution
  public var outputBias: Parameter? { output.bias }

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
    batch: 32, learningRate: 2e-3, prefersBFloat16: true, optimiser: .muon,
    make: { specification, _, scope in
      let h = try specification.count(channels)
      let colours = specification.head.steps(channels: specification.image.channels)
      guard h >= colours else {
        throw ModelError.setting(
          "channels", of: "pixelcnn",
          expected: "at least \(colours) (one a colour)", found: "\(h)")
      }
      return PixelCNN(
        specification.image, specification.head, blocks: try specification.count(blockCount),
        channels: h, position: try specification.isOn(position),
        dropout: try specification.fraction(dropout), at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, blocks: Int, channels h: Int, position: Bool,
    dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.head = head
    let colours = head.steps(channels: image.channels)
    func layer(_ inputs: Int, _ outputs: Int, size: Int = 1, gain: Double = 1, _ name: Scope)
      -> CausalConvolution
    {
      CausalConvolution(
        inputs, outputs, size: size, centre: .included, colours: colours, gain: gain, at: name)
    }
    first = ImageConvolution(
      channels: image.channels, 2 * h, size: 7, colours: colours,
      planes: scope.coordinates(image, position ? 2 : 0), at: scope / "first")
    firstClasses = ClassBias(2 * h, at: scope / "first")
    self.blocks = (0..<blocks).map { index in
      let scope = scope / "block\(index)"
      return Block(
        reduce: layer(2 * h, h, scope / "reduce"),
        spread: layer(h, h, size: 3, scope / "spread"),
        classes: ClassBias(h, at: scope / "spread"),
        dropout: Dropout(dropout, at: scope / "dropout"),
        // Small at first, so that the stream's variance does not grow with depth.
        expand: layer(h, 2 * h, gain: 1 / Double(blocks).squareRoot(), scope / "expand"))
    }
    gather = layer(2 * h, 2 * h, scope / "gather")
    lastClasses = ClassBias(2 * h, at: scope / "gather")
    output = layer(
      2 * h, head.outputsOfPixel(channels: image.channels), gain: 0.1, scope / "output")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let labels = batch.labels
    var stream = context.biased(  // [N, H, W, 2h]
      context.convolve(batch, first), by: firstClasses, of: labels)
    for block in blocks {
      let a = block.reduce(stream, rectified: true, in: context)  // [N, H, W, h]
      let spread = context.biased(
        block.spread(a, rectified: true, in: context), by: block.classes, of: labels)
      let b = block.dropout(spread, in: context)
      stream = block.expand(b, rectified: true, adding: stream, in: context)
    }
    let features = context.biased(
      gather(stream, rectified: true, in: context), by: lastClasses, of: labels)
    let outputs = output(features, rectified: true, precision: context.wide, in: context)
    return distribution(context.nextStep(outputs, of: head))  // [N, H, W, C K]
  }

  /// Each kernel at each pixel.
  public var multiplyAdds: Int {
    let convolutions =
      [first.convolution, gather, output] + blocks.flatMap { [$0.reduce, $0.spread, $0.expand] }
    return image.height * image.width * convolutions.reduce(0) { $0 + $1.weight.count }
  }
}
