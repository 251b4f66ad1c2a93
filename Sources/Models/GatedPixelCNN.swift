import Heads
import Images
import Layers
import Tensors

/// Gated PixelCNN (van den Oord et al. 2016b, arXiv:1606.05328, section 2 and figure 2): two stacks, so
/// that no pixel above is out of sight. The vertical one V knows the rows above, the horizontal one H
/// also what is left of it in its own row. A layer is
///
///     a = 2×3 V → 2h                             V = tanh(a₁) ∘ σ(a₂)
///     b = 1×2 mask B H → 2h  +  1×1 a → 2h       g = tanh(b₁) ∘ σ(b₂)
///     H = 1×1 g  +  H                            S = 1×1 g → 2h  +  S
///
/// with convolutions of the image itself in the first one (n×n, in place of V the rows above alone and
/// in place of H mask A), which adds no H; and at the end ReLU, 1×1 → 2h, + S, ReLU, 1×1 → logits. With
/// colour, the horizontal layers are masked between R, G and B, and t and s of a gate lie side by side
/// in their colour's channels.
///
/// Where we depart from the paper: its vertical maps know their own row, and are shifted down by one
/// on their way to H; here the first layer already stands one row below what it sees, so nothing is
/// ever shifted, and the first row has a learned past instead of zeros. The first layer is told rows
/// and columns (`position`), as in `PixelCNN`; `dropout` holds back a share of the gates' outputs in
/// training; `skip=off` leaves S out.
public struct GatedPixelCNN: DensityModel {
  struct Layer {
    /// nil in the first layer.
    let vertical: VerticalConvolution?
    let horizontal: CausalConvolution?
    let verticalClasses: ClassBias?
    let link: VerticalConvolution
    let horizontalClasses: ClassBias?
    let verticalGate: Gate
    let horizontalGate: Gate
    let out: CausalConvolution
    let skip: CausalConvolution?
  }

  public let image: ImageShape
  public let head: Head
  let rowsAbove: ImageConvolution
  let ownRow: ImageConvolution
  let layers: [Layer]
  let gather: CausalConvolution
  let lastClasses: ClassBias?
  let output: CausalConvolution
  public var outputBias: Parameter? { output.bias }

  static let layerCount = Setting(
    "layers", .count, default: "12", "gated layers, the first included")
  static let channels = Setting(
    "channels", .count, default: "48",
    "h: channels of a stack; a multiple of the colours that are told apart")
  static let first = Setting("first", .count, default: "7", "side of the first layer's kernel, odd")
  static let skip = Setting(
    "skip", .toggle, default: "on", "whether every layer has a way of its own to the output")
  static let position = Setting(
    "position", .toggle, default: "on", "whether the network is told rows and columns")
  static let dropout = Setting(
    "dropout", .fraction, default: "0.05", "share of the gates' outputs dropped in training")

  static let family = ModelFamily(
    name: "gated-pixelcnn", summary: "gated convolutions in two stacks, no blind spot",
    settings: [layerCount, channels, first, skip, position, dropout],
    batch: 16, learningRate: 1.5e-3, prefersBFloat16: true, optimiser: .muon,
    make: { specification, _, scope in
      let h = try specification.count(channels)
      let colours = specification.head.steps(channels: specification.image.channels)
      guard h % colours == 0 else {
        throw ModelError.setting(
          "channels", of: "gated-pixelcnn",
          expected: "a multiple of \(colours) (as many a colour)", found: "\(h)")
      }
      let size = try specification.count(first)
      guard size % 2 == 1, (3...15).contains(size) else {
        throw ModelError.setting(
          "first", of: "gated-pixelcnn",
          expected: "an odd number 3 ... 15", found: "\(size)")
      }
      return GatedPixelCNN(
        specification.image, specification.head, layers: try specification.count(layerCount),
        channels: h, first: size, skip: try specification.isOn(skip),
        position: try specification.isOn(position), dropout: try specification.fraction(dropout),
        at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, layers count: Int, channels h: Int, first size: Int,
    skip: Bool, position: Bool, dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.head = head
    let colours = head.steps(channels: image.channels)
    // A gate halves what is small; so this keeps the variance of a stack from layer to layer.
    let gain = 2.0.squareRoot()
    func firstLayer(_ stack: ImageConvolution.Stack, _ name: String) -> ImageConvolution {
      ImageConvolution(
        channels: image.channels, 2 * h, size: size, stack: stack,
        colours: stack == .vertical ? 1 : colours,
        planes: scope.coordinates(image, position ? 2 : 0), gain: gain, at: scope / name)
    }
    func pointwise(_ inputs: Int, _ outputs: Int, gain: Double = 1, _ name: Scope)
      -> CausalConvolution
    {
      CausalConvolution(
        inputs, outputs, size: 1, centre: .included, colours: colours, gain: gain, at: name)
    }
    rowsAbove = firstLayer(.vertical, "above")
    ownRow = firstLayer(.horizontal, "own")
    // Small at first, so that sums over layers do not grow with depth.
    let share = 1 / Double(count).squareRoot()
    layers = (0..<count).map { index in
      let scope = scope / "layer\(index)"
      return Layer(
        vertical: index == 0
          ? nil : VerticalConvolution(h, 2 * h, size: 3, gain: gain, at: scope / "vertical"),
        horizontal: index == 0
          ? nil
          : CausalConvolution(
            h, 2 * h, size: 3, ownRow: true, centre: .included, colours: colours, gain: gain,
            at: scope / "horizontal"),
        verticalClasses: ClassBias(2 * h, at: scope / "vertical"),
        link: VerticalConvolution(2 * h, 2 * h, size: 1, gain: 1 / gain, at: scope / "link"),
        horizontalClasses: ClassBias(2 * h, at: scope / "link"),
        verticalGate: Gate(groups: 1, dropout: dropout, at: scope / "vertical"),
        horizontalGate: Gate(groups: colours, dropout: dropout, at: scope / "horizontal"),
        out: pointwise(h, h, gain: index == 0 ? 1 : share, scope / "out"),
        skip: skip ? pointwise(h, 2 * h, gain: share, scope / "skip") : nil)
    }
    gather = pointwise(h, 2 * h, scope / "gather")
    lastClasses = ClassBias(2 * h, at: scope / "gather")
    output = pointwise(
      2 * h, head.outputsOfPixel(channels: image.channels), gain: 0.1, scope / "output")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    var vertical = context.convolveRows(batch, rowsAbove)  // [N, H, W, 2h], then [N, H, W, h]
    var stream = context.convolve(batch, ownRow)  // [N, H, W, 2h], then [N, H, W, h]
    var skips: Variable?  // [N, H, W, 2h]
    for (index, layer) in layers.enumerated() {
      let link = context.onceARow(layer.link.weight) {
        let a = context.biased(
          layer.vertical?(vertical, in: context) ?? vertical, by: layer.verticalClasses,
          of: batch.labels)
        let link = context.biased(
          layer.link(a, in: context), by: layer.horizontalClasses, of: batch.labels)
        if index < layers.count - 1 { vertical = layer.verticalGate(a, in: context) }
        return link  // [N, H, W, 2h]
      }
      let b =
        layer.horizontal?(stream, adding: link, in: context) ?? context.sum(stream, link)
      let gated = layer.horizontalGate(b, in: context)  // [N, H, W, h]
      stream = layer.out(gated, adding: index == 0 ? nil : stream, in: context)
      skips = layer.skip?(gated, adding: skips, in: context)
    }
    let features = context.biased(
      gather(stream, rectified: true, adding: skips, in: context), by: lastClasses,
      of: batch.labels)
    let outputs = output(features, rectified: true, precision: context.wide, in: context)
    return distribution(context.nextStep(outputs, of: head))  // [N, H, W, C K]
  }

  /// Each kernel at each pixel.
  public var multiplyAdds: Int {
    let weights =
      [rowsAbove.convolution, ownRow.convolution, gather, output].map(\.weight)
      + layers.flatMap { layer in
        [
          layer.vertical?.weight, layer.horizontal?.weight, layer.link.weight, layer.out.weight,
          layer.skip?.weight,
        ].compactMap(\.self)
      }
    return image.height * image.width * weights.reduce(0) { $0 + $1.count }
  }
}
