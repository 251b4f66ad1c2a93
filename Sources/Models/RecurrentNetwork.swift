import Heads
import Images
import Layers
import Tensors

/// A recurrent network over sub-pixels in raster order, as a language model reads text (Graves 2013,
/// arXiv:1308.0850). With x_0 standing for the start:
///
///     h¹_i = cell(W¹ [x_{i−1}; x_{i−w}] + row_i + column_i + colour_i,  h¹_{i−1})     (+ start, where i is the first)
///     hˡ_i = cell(Wˡ hˡ⁻¹_i,  hˡ_{i−1})                                               l = 2 … layers
///     outputs of step i = W hᴸ_i + b
///
/// where x_{i−w} is the same sub-pixel of the row above, which a state would otherwise have to carry along a
/// row's length; `context=previous` leaves it out. The cell is an LSTM, a GRU or a tanh unit, and the state
/// knows all that came before. Where the head draws whole pixels a step is a pixel.
///
/// Where we depart from the paper: learned places enter the first layer's gates, so that nobody has to count
/// columns; there are no ways past a layer; intensities −1…1 go in as they are; gradients go through all steps,
/// clipped as a whole by `--clip`.
public struct RecurrentNetwork: DensityModel {
  struct Layer {
    let inputs: CausalConvolution
    let classes: ClassBias?
    let states: Recurrence
    let dropout: Dropout
  }

  public let image: ImageShape
  public let head: Head
  /// nil where a step is told the previous one alone.
  let above: StepAbove?
  let positions: Positions
  let layers: [Layer]
  let output: CausalConvolution
  public var outputBias: Parameter? { output.bias }

  static let layerCount = Setting("layers", .count, default: "1", "recurrent layers")
  static let hidden = Setting("hidden", .count, default: "256", "units of a layer")
  static let cell = Setting(
    "cell", .choice(RecurrentCell.allCases.map(\.rawValue)), default: "lstm",
    "what a unit is: lstm, gru or tanh")
  static let context = Setting(
    "context", .choice(["above", "previous"]), default: "above",
    "whether a step is told the sub-pixel above it beside the previous one")
  static let dropout = Setting(
    "dropout", .fraction, default: "0", "share of a layer's states dropped in training")

  static let family = ModelFamily(
    name: "rnn", summary: "LSTM, GRU or tanh cells over the raster sequence",
    settings: [layerCount, hidden, cell, context, dropout],
    batch: 32, learningRate: 2e-3, prefersBFloat16: true, optimiser: .muon,
    make: { specification, _, scope in
      RecurrentNetwork(
        specification.image, specification.head, layers: try specification.count(layerCount),
        units: try specification.count(hidden),
        cell: RecurrentCell(rawValue: try specification.choice(cell))!,
        seesAbove: try specification.choice(context) == "above",
        dropout: try specification.fraction(dropout), at: scope)
    })

  init(
    _ image: ImageShape, _ head: Head, layers count: Int, units: Int, cell: RecurrentCell,
    seesAbove: Bool, dropout: Double, at scope: Scope
  ) {
    self.image = image
    self.head = head
    let steps = head.steps(channels: image.channels)  // of a pixel
    let told = image.channels / steps * (seesAbove ? 2 : 1)
    positions = Positions(
      rows: image.height, columns: image.width, steps: steps, channels: cell.gates * units,
      at: scope / "positions")
    layers = (0..<count).map { index in
      let scope = scope / "layer\(index)"
      return Layer(
        inputs: CausalConvolution(
          index == 0 ? told : units, cell.gates * units, size: 1, centre: .included, colours: 1,
          gain: 0.5.squareRoot(), firstBias: cell.firstBias(units: units), at: scope / "inputs"),
        classes: ClassBias(cell.gates * units, at: scope / "inputs"),
        states: Recurrence(
          cell, units: units, over: { .sequence(image.height * image.width * steps) }, reach: 1,
          at: scope / "states"),
        dropout: Dropout(dropout, at: scope / "dropout"))
    }
    output = CausalConvolution(
      units, head.outputs(channels: image.channels), size: 1, centre: .included, colours: 1,
      gain: 0.1, at: scope / "output")
    above =
      seesAbove
      ? StepAbove(rowLength: image.width * steps, owner: output.weight) : nil
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let told = told(batch, in: context)  // [N, H, W steps, sub-pixels a step (twice)]
    var stream = context.cast(told, to: context.precision)
    for (index, layer) in layers.enumerated() {
      var a = context.biased(  // [N, H, W steps, gates units]
        layer.inputs(stream, in: context), by: layer.classes, of: batch.labels)
      if index == 0 {
        a = positions(
          a, place: context.memory.map { $0.known / subpixelsAStep }, in: context)
      }
      stream = layer.dropout(layer.states(a, in: context), in: context)
    }
    return distribution(output(stream, precision: context.wide, in: context))
  }

  /// Intensities −1…1 of the step before each and of the one above it; zeros where there is none.
  private func told(_ batch: PixelBatch, in context: Context) -> Variable {
    let each = subpixelsAStep
    guard let memory = context.memory else {
      let shape: Shape = [batch.count, image.height, steps / image.height, each]
      let known = context.intensities(batch, shape: shape, from: -1, to: 1)
      let before = context.before(known.reshaped([batch.count, steps, each])).reshaped(shape)
      return above.map { context.joined(before, $0(known, in: context)) } ?? before
    }
    let shape: Shape = [memory.images, 1, 1, each]
    let before =
      batch.dimension > 0
      ? context.intensities(batch, shape: shape, from: -1, to: 1)
      : Variable(.zeros(shape, context.wide))
    return above.map {
      context.joined(before, $0(of: memory.known / each, afterTelling: before, in: context))
    } ?? before
  }

  /// Each matrix at each step.
  public var multiplyAdds: Int {
    steps * (output.weight.count + layers.reduce(0) { $0 + $1.inputs.weight.count })
      + layers.reduce(0) { $0 + $1.states.multiplyAdds }
  }

  public var keptElements: Int? { layers.reduce(0) { $0 + $1.states.keptElements } }

  // What is kept of an image is small: as many as share a reading of the weights.
  public func samplingGroup(in precision: Precision) -> Int { 64 }
}
