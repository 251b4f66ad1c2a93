import Heads
import Images
import Layers
import Tensors

/// PixelRNN (van den Oord, Kalchbrenner and Kavukcuoglu 2016, arXiv:1601.06759, sections 3.1 to 3.4 and
/// figure 5): long short-term memories over the rows or the diagonals of the image.
///
///     7×7 mask A → 2h
///     layers × [LSTM → h, 1×1 mask B → 2h, + input]
///     ReLU, 1×1 → 2h, ReLU, 1×1 → logits
///
/// `kind=row`: a row at a time, each state from the three above it; it sees a triangle. `kind=diagonal`: in
/// both directions, from the pixel beside and the one above, so that nothing which came before is out of
/// sight (Diagonal BiLSTM), but for the last pixel of the row above while the first layer is too far from it:
/// no map knows its own pixel. A diagonal of all images of a batch is one product; the paper skews the maps for
/// that, here the positions of a diagonal are found by their indices.
///
/// Where we depart from the paper: the first layer is told rows and columns (`position`), as in `PixelCNN`;
/// forget gates start open; `dropout` holds back a share of each layer's states in training.
public struct PixelRNN: DensityModel {
  struct Layer {
    let states: ImageLSTM
    let dropout: Dropout
    let expand: CausalConvolution
  }

  public let image: ImageShape
  public let head: Head
  let first: ImageConvolution
  let firstClasses: ClassBias?
  let layers: [Layer]
  let gather: CausalConvolution
  let lastClasses: ClassBias?
  let output: CausalConvolution
  public var outputBias: Parameter? { output.bias }

  static let kind = Setting(
    "kind", .choice(ImageLSTM.Kind.allCases.map(\.rawValue)), default: "diagonal",
    "what a state follows: diagonal (both ways) or row")
  static let layerCount = Setting("layers", .count, default: "2", "layers of LSTMs")
  static let channels = Setting(
    "channels", .count, default: "48",
    "h: units of a layer, a multiple of the colours that are told apart; the stream has 2h")
  static let position = Setting(
    "position", .toggle, default: "on", "whether the network is told rows and columns")
  static let dropout = Setting(
    "dropout", .fraction, default: "0", "share of a layer's states dropped in training")

  static let family = ModelFamily(
    name: "pixelrnn", summary: "LSTMs over rows or, both ways, over diagonals",
    settings: [kind, layerCount, channels, position, dropout],
    batch: 16, learningRate: 2e-3, prefersBFloat16: true, optimiser: .muon,
    make: { specification, _, scope in
      let h = try specification.count(channels)
      let colours = specification.head.steps(channels: specification.image.channels)
      guard h % colours == 0 else {
        throw ModelError.setting(
          channels.name, of: "pixelrnn", expected: "a multiple of \(colours) (as many a colour)",
          found: "\(h)")
      }
      return PixelRNN(
        specification.image, specification.head,
        kind: ImageLSTM.Kind(rawValue: try specification.choice(kind))!,
        layers: try specification.count(layerCount), channels: h,
        position: try specification.isOn(position), dropout: try specification.fraction(dropout),
        at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, kind: ImageLSTM.Kind, layers count: Int, channels h: Int,
    position: Bool, dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.head = head
    let colours = head.steps(channels: image.channels)
    func pointwise(_ inputs: Int, _ outputs: Int, gain: Double = 1, _ name: Scope)
      -> CausalConvolution
    {
      CausalConvolution(
        inputs, outputs, size: 1, centre: .included, colours: colours, gain: gain, at: name)
    }
    first = ImageConvolution(
      channels: image.channels, 2 * h, size: 7, colours: colours,
      planes: scope.coordinates(image, position ? 2 : 0), at: scope / "first")
    firstClasses = ClassBias(2 * h, at: scope / "first")
    layers = (0..<count).map { index in
      let scope = scope / "layer\(index)"
      return Layer(
        states: ImageLSTM(
          kind, 2 * h, units: h, colours: colours, height: image.height, width: image.width,
          at: scope),
        dropout: Dropout(dropout, at: scope / "dropout"),
        // Small at first, so that the stream's variance does not grow with depth.
        expand: pointwise(h, 2 * h, gain: 1 / Double(count).squareRoot(), scope / "expand"))
    }
    gather = pointwise(2 * h, 2 * h, scope / "gather")
    lastClasses = ClassBias(2 * h, at: scope / "gather")
    output = pointwise(
      2 * h, head.outputsOfPixel(channels: image.channels), gain: 0.1, scope / "output")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let labels = batch.labels
    var stream = context.biased(  // [N, H, W, 2h]
      context.convolve(batch, first), by: firstClasses, of: labels)
    for layer in layers {
      let h = layer.dropout(  // [N, H, W, h]
        layer.states(stream, of: labels, in: context), in: context)
      stream = layer.expand(h, adding: stream, in: context)
    }
    let features = context.biased(
      gather(stream, rectified: true, in: context), by: lastClasses, of: labels)
    let outputs = output(features, rectified: true, precision: context.wide, in: context)
    return distribution(context.nextStep(outputs, of: head))  // [N, H, W, C K]
  }

  /// Each kernel and each recurrent matrix at each pixel.
  public var multiplyAdds: Int {
    let convolutions = [first.convolution, gather, output] + layers.map(\.expand)
    return image.height * image.width * convolutions.reduce(0) { $0 + $1.weight.count }
      + layers.reduce(0) { $0 + $1.states.multiplyAdds }
  }

  /// The stream after each layer and before the end, and what the LSTMs keep.
  public var keptElements: Int? {
    image.height * image.width * gather.bias.value.count * (layers.count + 2)
      + layers.reduce(0) { $0 + $1.states.keptElements }
  }
}
