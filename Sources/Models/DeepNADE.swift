import Heads
import Images
import Layers
import Randomness
import Tensors

/// Orderless, deep neural autoregressive distribution estimator (Uria, Murray and Larochelle 2014,
/// arXiv:1310.1757): one network says every sub-pixel given any set of others,
///
///     h¹ = max(0, W¹ (m ∘ x) + U m + c¹),   hˡ = max(0, Wˡ hˡ⁻¹ + cˡ),   logits_d = V_d hᴸ + b_d
///
/// where m_d = 1 for the sub-pixels that are known, x_d in 0…1. The chain rule then gives a density for
/// every order of the sub-pixels; by default it is the raster's, `Reordering` has others: those by lines, or, where
/// none of these was learned, random ones.
///
/// A training step tells the network k sub-pixels of each image, drawn at random, and asks for the others.
/// With each of their log-probabilities weighted by D / (D − k) the sum is, in the mean over k and what was
/// told, log p(x) in the mean over all orders (equation 9). So one pass trains all D conditionals that an
/// order needs, and an evaluation takes D passes, of which each adds two columns to the sums of the first
/// layer and computes the outputs of one sub-pixel: O(D (H + L H²)), the same work as drawing an image.
///
/// Where we depart from the paper: the numbers k of a batch are spread evenly over 0 … D − 1; the first layer
/// is told what it knows in a form that is learned faster (`KnownInputs`); a second, smaller network sees what
/// is known around each pixel, the same at all places, and adds to its outputs (`Neighbourhood`, of no more
/// than what is asked for, so of about half of the sub-pixels); and a share of the images are told the
/// beginning of the raster's order, which a random choice never is, and asked for what comes next in it, so
/// that this order, in which images are drawn and scored, is learned as well as a random one. `dropout` holds
/// back a share of each layer's units in training.
public struct DeepNADE: Reordering, Reorderable {
  public let image: ImageShape
  public let head: Head
  let first: KnownInputs
  let hidden: [Dense]
  /// Of each hidden layer, the first included.
  let dropouts: [Dropout]
  let output: Dense
  /// What is added to the outputs for what is known around their pixel.
  let neighbourhood: Neighbourhood?
  /// Shares of the images of a step that are told the beginning of the raster's order, and of one of the
  /// seven others by lines from a corner.
  private let rasterShare, linesShare: Double
  /// The raster's order and those seven.
  private let lines: [[Int]]
  /// Keys the orders.
  private let seed: UInt64
  /// Places of the sub-pixels in the order in which they are told.
  private let told: [Int]
  public var outputBias: Parameter? { output.bias }
  public var inputMeans: Parameter? { first.means }
  public let orderCount: Int? = nil

  /// Of a step of training, which asks for half of the sub-pixels at once, or for those of a line.
  public var multiplyAdds: Int {
    let byLines = rasterShare + linesShare
    let line = Double(image.width * image.channels)
    let asked = (1 - byLines) * Double(image.dimension) / 2 + byLines * line
    return hidden.reduce(
      first.weight.count + output.weight.count
        + Int(asked * Double(neighbourhood?.multiplyAdds ?? 0))
    ) { $0 + $1.weight.count }
  }
  /// A likelihood takes D passes, each without most of the first and of the last layer.
  public var passesPerLikelihood: Int {
    let d = image.dimension
    let pass = hidden.reduce(
      (first.weight.count + output.weight.count) / d + (neighbourhood?.multiplyAdds ?? 0)
    ) { $0 + $1.weight.count }
    return max(1, d * pass / multiplyAdds)
  }
  // Weights are read at each of D passes: for as many images as stay in the caches.
  public var inferenceBatch: Int { inferenceBatch(atMost: 256) }
  public func samplingGroup(in precision: Precision) -> Int { 128 }

  static let hidden = Setting(
    "hidden", .counts, default: "500,500", "units of each hidden layer, comma-separated")

  static let raster = Setting(
    "raster", .fraction, default: "0.25",
    "share of the images of a step that are told in the raster's order")

  static let lines = Setting(
    "lines", .fraction, default: "0.25", before: "0",
    "share of the images of a step that are told in the seven other orders by lines from a corner;"
      + " what is left is told in random ones")

  static let dropout = Setting(
    "dropout", .fraction, default: "0", "share of a layer's hidden units dropped in training")

  static let neighbourhood = Setting(
    "neighbourhood", .toggle, default: "on", before: "off",
    "whether outputs also see what is known around their pixel, alike at all places")

  static let neighbourUnits = Setting(
    "neighbour-units", .counts, default: "128,64",
    "units of each layer that sees the neighbourhood, comma-separated")

  static let reach = Setting(
    "reach", .count, default: "3", "pixels that it reaches to each side, 1 ... 10")

  static let family = ModelFamily(
    name: "deep-nade", summary: "one network for all orders, trained on random ones",
    settings: [hidden, raster, lines, neighbourhood, neighbourUnits, reach, dropout], batch: 128,
    learningRate: 1e-3, prefersBFloat16: true,
    tellsPixels: false,
    make: { specification, seed, scope in
      let (image, head) = (specification.image, specification.head)
      let (units, reach) = (
        try specification.counts(neighbourUnits), try specification.count(reach)
      )
      guard reach <= 10 else {
        throw ModelError.setting("reach", of: "deep-nade", expected: "1 ... 10", found: "\(reach)")
      }
      let (raster, lines) = (
        try specification.fraction(raster), try specification.fraction(lines)
      )
      guard raster + lines <= 1 else {
        throw ModelError.setting(
          "lines", of: "deep-nade", expected: "at most what raster=\(raster) leaves of 1",
          found: "\(lines)")
      }
      let neighbourhood =
        try specification.isOn(neighbourhood)
        ? Neighbourhood(
          height: image.height, width: image.width, channels: image.channels, hidden: units,
          outputs: head.outputs(channels: image.channels), reach: reach, at: scope / "neighbourhood"
        )
        : nil
      return DeepNADE(
        image, head, hidden: try specification.counts(hidden), neighbourhood: neighbourhood,
        rasterShare: raster, linesShare: lines,
        dropout: try specification.fraction(dropout), seed: seed, at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, hidden sizes: [Int], neighbourhood: Neighbourhood?,
    rasterShare: Double, linesShare: Double, dropout: Double, seed: UInt64, at scope: Scope
  ) {
    (self.image, self.head, self.seed) = (image, head, seed)
    (self.rasterShare, self.linesShare) = (rasterShare, linesShare)
    self.neighbourhood = neighbourhood
    let d = image.dimension
    told = scope.isMeasuring ? [] : Array(0..<d)
    lines =
      scope.isMeasuring ? [] : (0..<8).map { orderByLines($0, of: image, head, seed: seed) }
    first = KnownInputs(d, sizes[0], at: scope / "hidden0")
    hidden = zip(sizes, sizes.dropFirst()).enumerated().map { index, sides in
      Dense(sides.0, sides.1, toldClasses: true, at: scope / "hidden\(index + 1)")
    }
    dropouts = sizes.indices.map { Dropout(dropout, at: scope / "dropout\($0)") }
    output = Dense(
      sizes.last!, d * head.outputs(channels: image.channels), gain: 0.1, at: scope / "output")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    if case .training(let step, let seed) = context.mode {
      return split(batch, split(batch, step: step, seed: seed), in: context)
    }
    if context.tape != nil { return chain(batch, in: context) }
    if context.memory != nil { return distribution(next(batch, in: context)) }
    return distribution(steps(batch, in: context))
  }

  // MARK: A step of training

  /// Which sub-pixels of each image are told, `[N, 1, D]`, and the weights of the others, `[N, D]`.
  private struct Split {
    var masks: [Double]
    var weights: [Double]
  }

  private func split(_ batch: PixelBatch, step: Int, seed: UInt64) -> Split {
    let d = batch.dimension
    let (width, height) = (image.width * image.channels, image.height * image.channels)
    var split = Split(
      masks: Array(repeating: 0, count: batch.count * d),
      weights: Array(repeating: 0, count: batch.count * d))
    var stream = RandomStream(seed: seed, "split", step)
    // Multiples of the golden ratio's fraction lie evenly on 0 … 1, however many there are.
    let start = stream.uniform()
    for n in 0..<batch.count {
      let place = start + Double(n) * 0.618_033_988_749_894_9
      let k = min(d - 1, Int((place - place.rounded(.down)) * Double(d)))
      let kind = stream.uniform()
      let line =
        kind < rasterShare
        ? 0 : kind < rasterShare + linesShare ? 1 + stream.integer(below: lines.count - 1) : nil
      let order = line.map { lines[$0] } ?? stream.permutation(of: d)
      for i in order[..<k] { split.masks[n * d + i] = 1 }
      // One over the chance that a sub-pixel is asked for: of all k, or of those of a line.
      let ahead = line.map { $0 / 2 % 2 == 0 ? width : height } ?? d
      for (i, subpixel) in zip(k..., order[k...].prefix(ahead)) {
        split.weights[n * d + subpixel] =
          Double(d) / Double(line == nil ? d - k : min(i + 1, ahead))
      }
    }
    return split
  }

  private func split(_ batch: PixelBatch, _ split: Split, in context: Context)
    -> any PixelDistribution
  {
    let (n, d) = (batch.count, batch.dimension)
    let masks = Tensor([n, 1, d], context.wide, values: split.masks)
    var logits = output(units(batch, masks: masks, in: context), last: true, in: context)
    if let neighbourhood {
      let asked = split.weights.indices.filter { split.weights[$0] != 0 }
      logits = neighbourhood.added(
        to: logits, context.unitIntensities(batch), masks: masks,
        asked: asked.map { Asked(row: $0 / d, subpixel: $0 % d) },
        at: asked.map { $0 * outputsAStep }, in: context)
    }
    return SplitConditionals(
      distribution(logits),  // [N, D K]
      weights: Tensor([n, d], context.wide, values: split.weights))
  }

  /// The last hidden layer under each mask, `[N R, H]`.
  private func units(_ batch: PixelBatch, masks: Tensor, in context: Context) -> Variable {
    var h = first(context.unitIntensities(batch), masks: masks, of: batch.labels, in: context)
    h = dropouts[0](h, in: context)
    for (layer, dropout) in zip(hidden, dropouts.dropFirst()) {
      h = dropout(layer(h, activation: .relu, of: batch.labels, in: context), in: context)
    }
    return h
  }

  // MARK: Evaluation

  /// All of D passes at once, with a way back: for gradients in the pixels, of few images.
  private func chain(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    let (n, d) = (batch.count, batch.dimension)
    var masks = [Double](repeating: 0, count: n * d * d)
    for row in 0..<n * d {
      for place in told[..<(row % d)] { masks[row * d + place] = 1 }
    }
    let told = Tensor([n, d, d], context.wide, values: masks)
    var outputs = context.ownOutputs(
      context.cast(units(batch, masks: told, in: context), to: context.wide),
      context.variable(output.weight), context.variable(output.bias), places: self.told)
    if let neighbourhood {
      outputs = neighbourhood.added(
        to: outputs, context.unitIntensities(batch), masks: told,
        asked: (0..<n * d).map { Asked(row: $0, subpixel: self.told[$0 % d]) },
        at: (0..<n * d).map { $0 * outputsAStep }, in: context)
    }
    return distribution(outputs)  // [N, D, K]
  }

  /// The outputs of all sub-pixels, `[N, D, K]`, one after the other.
  private func steps(_ batch: PixelBatch, in context: Context) -> Variable {
    let (n, d) = (batch.count, batch.dimension)
    let next = context.remembering(memory(images: n, labels: batch.labels))
    let outputs = Tensor([n, d * outputsAStep], context.wide)
    var latest: [UInt8] = []
    for i in 0..<d {
      next.memory!.advance(by: i == 0 ? 0 : 1)
      let one = PixelBatch(
        count: n, height: 1, width: 1, channels: i == 0 ? 0 : 1, levels: batch.levels,
        symbols: latest, labels: batch.labels)
      outputs.setColumns(from: i * outputsAStep, to: self.next(one, in: next).value)
      latest = (0..<n).map { batch.symbols[$0 * d + i] }
    }
    return Variable(outputs)
  }

  /// The outputs of the next sub-pixel, `[N, K]`, after those that the batch tells.
  private func next(_ batch: PixelBatch, in context: Context) -> Variable {
    let known = context.memory!.known
    var h: SideBySide?
    let x = context.unitIntensities(batch).value
    for i in 0..<batch.dimension {
      h = first.next(
        x.step(i), of: told[known - batch.dimension + i], classes: batch.labels, in: context)
    }
    var units = h ?? first.next(nil, of: 0, classes: batch.labels, in: context)
    for layer in hidden {
      units = layer(units, activation: .relu, of: batch.labels, in: context)
    }
    let place = told[known]
    let around = neighbourhood?.next(
      at: place,
      after: (0..<batch.dimension).map { (x.step($0), told[known - batch.dimension + $0]) },
      in: context)
    let rows = place * outputsAStep..<(place + 1) * outputsAStep
    return context.rows(
      .sideBySide(output(units, units: rows, adding: around, last: true, in: context)))
  }

  // MARK: Orders

  public func order(_ number: Int) -> [Int] {
    let order = linesShare > 0 ? orderByLines : drawnOrder
    return order(number, image, head, seed)
  }

  public func telling(inOrder number: Int) -> any DensityModel { told(in: order(number)) }

  /// The model that tells images in any order of their sub-pixels: what is known of an image first, say,
  /// and then what is not.
  public func told(in order: [Int]) -> any DensityModel { DeepNADE(self, told: order) }

  private init(_ model: DeepNADE, told: [Int]) {
    precondition(
      told.sorted().elementsEqual(0..<model.image.dimension), "no order of its sub-pixels")
    (image, head, seed) = (model.image, model.head, model.seed)
    (first, hidden, dropouts, output) = (model.first, model.hidden, model.dropouts, model.output)
    neighbourhood = model.neighbourhood
    (rasterShare, linesShare, lines) = (model.rasterShare, model.linesShare, model.lines)
    self.told = told
  }
}
