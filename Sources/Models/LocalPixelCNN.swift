import Heads
import Images
import Layers
import Tensors

/// A PixelCNN that looks no further than a few pixels:
///
///     (2 reach + 1)² mask A, h channels
///     blocks × [ReLU, 1×1 h→h, ReLU, 1×1 h→h, + input]
///     ReLU, 1×1 → logits
///
/// All context comes through the first layer (van den Oord et al. 2016, arXiv:1601.06759, mask A); what
/// follows is pointwise and, with colour, masked between R, G and B. So a pixel's conditional depends on
/// the `reach` rows above and the `reach` columns to either side alone, whatever the size of the image
/// and wherever in it: the same weights serve crops and whole images, and tiles that overlap by the
/// reach give what one pass gives. It is told no place.
public struct LocalPixelCNN: DensityModel {
  struct Block {
    let inner: CausalConvolution
    let classes: ClassBias?
    let outer: CausalConvolution
  }

  public let image: ImageShape
  public let head: Head
  /// Rows above and columns to either side that a conditional depends on.
  public let reach: Int
  let first: ImageConvolution
  let firstClasses: ClassBias?
  let blocks: [Block]
  let output: CausalConvolution
  public var outputBias: Parameter? { output.bias }

  static let reach = Setting(
    "reach", .count, default: "8", "pixels that it sees above and to either side, 1 ... 10")
  static let channels = Setting("channels", .count, default: "48", "h: channels of the stream")
  static let blockCount = Setting("blocks", .count, default: "2", "residual blocks of 1×1 layers")

  static let family = ModelFamily(
    name: "local-pixelcnn", summary: "one wide masked convolution, then 1×1 layers",
    settings: [reach, channels, blockCount], batch: 4, learningRate: 3e-3,
    make: { specification, _, scope in
      let h = try specification.count(channels)
      let colours = specification.head.steps(channels: specification.image.channels)
      guard h >= colours else {
        throw ModelError.setting(
          "channels", of: "local-pixelcnn",
          expected: "at least \(colours) (one a colour)", found: "\(h)")
      }
      let reach = try specification.count(reach)
      guard reach <= 10 else {
        throw ModelError.setting(
          "reach", of: "local-pixelcnn",
          expected: "1 ... 10", found: "\(reach)")
      }
      return LocalPixelCNN(
        specification.image, specification.head, reach: reach, channels: h,
        blocks: try specification.count(blockCount), at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, reach: Int, channels h: Int, blocks: Int, at scope: Scope
  ) {
    self.image = image
    self.head = head
    self.reach = reach
    let colours = head.steps(channels: image.channels)
    func layer(_ outputs: Int, gain: Double = 1, _ name: Scope) -> CausalConvolution {
      CausalConvolution(
        h, outputs, size: 1, centre: .included, colours: colours, gain: gain, at: name)
    }
    first = ImageConvolution(
      channels: image.channels, h, size: 2 * reach + 1, colours: colours,
      planes: scope.coordinates(image, 0), at: scope / "first")
    firstClasses = ClassBias(h, at: scope / "first")
    self.blocks = (0..<blocks).map { index in
      let scope = scope / "block\(index)"
      return Block(
        inner: layer(h, scope / "inner"), classes: ClassBias(h, at: scope / "inner"),
        // Small at first, so that the stream's variance does not grow with depth.
        outer: layer(h, gain: 1 / Double(blocks).squareRoot(), scope / "outer"))
    }
    output = layer(head.outputsOfPixel(channels: image.channels), gain: 0.1, scope / "output")
  }

  /// Whole images may have any size.
  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    precondition(
      context.memory != nil || batch.channels == image.channels && batch.levels == head.levels,
      "the model takes \(image.channels) channels of \(head.levels) levels, found"
        + " \(batch.channels) of \(batch.levels)")
    var stream = context.biased(  // [N, H, W, h]
      context.convolve(batch, first), by: firstClasses, of: batch.labels)
    for block in blocks {
      let a = context.biased(
        block.inner(stream, rectified: true, in: context), by: block.classes, of: batch.labels)
      stream = block.outer(a, rectified: true, adding: stream, in: context)
    }
    let outputs = output(stream, rectified: true, precision: context.wide, in: context)
    return distribution(context.nextStep(outputs, of: head))  // [N, H, W, C K]
  }

  /// Each kernel at each pixel.
  public var multiplyAdds: Int {
    let convolutions = [first.convolution, output] + blocks.flatMap { [$0.inner, $0.outer] }
    return image.height * image.width * convolutions.reduce(0) { $0 + $1.weight.count }
  }
}
