import Images
import Layers
import Tensors

/// A residual network that tells the class of an image, p(y | x) (He et al. 2016, arXiv:1603.05027, figure
/// 1b: activations come first):
///
///     3×3, h channels
///     levels × [blocks × (ReLU, 3×3, ReLU, 3×3, + input); 2×2 of stride 2 to twice the channels between levels]
///     ReLU, mean over pixels, → logits of the classes
///
/// It is here to be attacked, and to see what a density notices of that and takes back; intensities go in
/// as −1…1, and a gradient reaches them.
///
/// Where we depart from the paper: nothing is normalised. Branches start at zero, so that a block is at
/// first its input, and `dropout` holds back a share of each branch.
public struct ResidualClassifier: LearnedModel {
  struct Block {
    let inner: Convolution
    let dropout: Dropout
    let outer: Convolution
  }
  struct Level {
    let blocks: [Block]
    let halving: Convolution?
  }

  public let image: ImageShape
  public let levels: Int
  /// Classes that it tells apart.
  public let classes: Int
  public let dimension = 1
  let first: Convolution
  let stages: [Level]
  public let output: Dense
  public var outputs: Int { classes }
  public var outputBias: Parameter? { output.bias }

  static let levelCount = Setting("levels", .count, default: "3", "levels, each of half the sides")
  static let blocks = Setting("blocks", .count, default: "1", "residual blocks of a level")
  static let channels = Setting(
    "channels", .count, default: "24", "h: channels of the first level; each has twice as many")
  static let dropout = Setting(
    "dropout", .fraction, default: "0.1", "share of a block's activations dropped in training")

  static let family = ModelFamily(
    name: "resnet", summary: "a classifier: residual convolutions, told whole images",
    settings: [levelCount, blocks, channels, dropout],
    batch: 64, learningRate: 5e-4, prefersBFloat16: true, optimiser: .muon, tellsPixels: false,
    heads: [.bernoulli, .categorical], isClassifier: true,
    make: { specification, _, scope in
      let most = 2...256
      guard let classes = specification.classes, most.contains(classes) else {
        throw ModelError.count(
          "classes of resnet", expected: most, found: specification.classes ?? 0)
      }
      let levels = try specification.count(levelCount)
      guard levels <= 8 else {
        throw ModelError.setting(
          "levels", of: "resnet", expected: "1 ... 8", found: "\(levels)")
      }
      return ResidualClassifier(
        specification.image, levels: specification.head.levels, classes: classes,
        stages: levels, blocks: try specification.count(blocks),
        channels: try specification.count(channels),
        dropout: try specification.fraction(dropout), at: scope)
    })

  init(
    _ image: ImageShape, levels: Int, classes: Int, stages count: Int, blocks: Int,
    channels h: Int, dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.levels = levels
    self.classes = classes
    first = Convolution(image.channels, h, size: 3, at: scope / "first")
    stages = (0..<count).map { level in
      let (scope, width) = (scope / "level\(level)", h << level)
      return Level(
        blocks: (0..<blocks).map { index in
          let scope = scope / "block\(index)"
          return Block(
            inner: Convolution(width, width, size: 3, at: scope / "inner"),
            dropout: Dropout(dropout, at: scope / "dropout"),
            outer: Convolution(width, width, size: 3, gain: 0, at: scope / "outer"))
        },
        halving: level == count - 1
          ? nil : Convolution(4 * width, 2 * width, size: 1, at: scope / "halving"))
    }
    output = Dense(h << (count - 1), classes, gain: 0.1, at: scope / "output")
  }

  /// Logits of the classes of each image, `[N, classes]`.
  public func logits(_ batch: PixelBatch, in context: Context) -> Variable {
    check(batch, context)
    let pixels = context.intensities(
      batch, shape: [batch.count, image.height, image.width, image.channels], from: -1, to: 1)
    var x = first(context.cast(pixels, to: context.precision), in: context)  // [N, H, W, h]
    for level in stages {
      for block in level.blocks {
        let a = block.inner(x, rectified: true, in: context)
        x = block.outer(block.dropout(a, in: context), rectified: true, adding: x, in: context)
      }
      if let halving = level.halving { x = halving(context.folded(x), in: context) }
    }
    return output(context.meanOverPixels(context.activate(.relu, x)), last: true, in: context)
  }

  /// log p(y | x) of the label of each image, nats: `[N, 1]`.
  public func logLikelihood(of batch: PixelBatch, in context: Context) -> Variable {
    guard let labels = batch.labels else { preconditionFailure("images without labels") }
    let logits = logits(batch, in: context).reshaped([batch.count, 1, classes])
    return context.categoricalLogProbability(logits, of: labels.map { UInt8($0) })
  }

  /// Each kernel at each pixel of its level.
  public var multiplyAdds: Int {
    sides { level, pixels in
      let kernels = level.blocks.flatMap { [$0.inner, $0.outer] }
      return pixels * kernels.reduce(0) { $0 + $1.weight.count }
        + (level.halving.map { (pixels + 3) / 4 * $0.weight.count } ?? 0)
    } + image.height * image.width * first.weight.count + output.weight.count
  }

  /// What each block keeps, and what is folded.
  public var keptElements: Int? {
    sides { level, pixels in
      pixels
        * (level.blocks.reduce(0) { $0 + 3 * $1.inner.bias.count }
          + (level.halving.map { $0.weight.shape[1] / 4 + $0.bias.count } ?? 0))
    } + image.height * image.width * first.bias.count
  }

  private func sides(_ count: (Level, _ pixels: Int) -> Int) -> Int {
    var (height, width, sum) = (image.height, image.width, 0)
    for level in stages {
      sum += count(level, height * width)
      (height, width) = ((height + 1) / 2, (width + 1) / 2)
    }
    return sum
  }

  public var inferenceBatch: Int { 64 }
}
