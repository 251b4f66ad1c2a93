import Tensors

/// Adds to the logits of each sub-pixel what the levels tell that its image has had so far.
///
/// Contrast that was stretched leaves a comb: every second level, say, never occurs in an image. No smooth
/// function of the pixels before can say which, but the levels that have occurred do. With c_v, how often
/// level v has occurred among the sub-pixels of the same channel before, and k, how many levels have,
///
///     logit_v += Σ_u o_u max(0, b_u + d_u log(1 + k) + Σ_t w_ut [c_{v+t} > 0] + s_ut log(1 + c_{v+t}))
///
/// for t from −12 to 12: a convolution along the levels. The eight o_u are zeros at first, so that a model
/// starts as the one without. A further sub-pixel moves one count, so all sums of an image are running ones,
/// and cost O(levels) a sub-pixel.
///
/// ```swift
/// let outputs = palette(outputs, batch.symbols, in: context)  // [N, H, W, C K]
/// ```
public struct Palette {
  /// w and s side by side, `[U, 2 T]`.
  let weight: Parameter
  let bias: Parameter
  /// d.
  let variety: Parameter
  /// o.
  let output: Parameter
  private let levels: Int
  private let channels: Int

  static let units = 8
  /// Parameters are the layer's numbers divided by this, so that a step of AdamW moves those so many times as
  /// far: what the images of a step say of them is noisy, and at the pace of all others they do not get
  /// where more steps would bring them.
  static let pace = 8.0
  static let taps = 25

  public init(levels: Int, channels: Int, at scope: Scope) {
    (self.levels, self.channels) = (levels, channels)
    let scope = scope / Self.name
    func parameter(_ name: String, _ shape: Shape, _ initial: Initialisation) -> Parameter {
      scope.parameter(name, shape, initial, decays: false)
    }
    weight = parameter("weight", [Self.units, 2 * Self.taps], .uniform(bound: 0.2 / Self.pace))
    bias = parameter("bias", [Self.units], .uniform(bound: 0.2 / Self.pace))
    variety = parameter("variety", [Self.units], .uniform(bound: 0.1 / Self.pace))
    output = parameter("output", [Self.units], .zeros)
  }

  private static let name = "palette"

  /// Whether a parameter of this name is one of a palette.
  public static func isNamed(_ name: String) -> Bool {
    name.split(separator: "/").dropLast().last == Substring(Self.name)
  }

  /// Logits of all sub-pixels `[N, H, W, C K]`, or `[N, K]` in some shape of the next one of images that the
  /// context remembers.
  /// - Parameter symbols: of all, `[N, H, W, C]`, or the latest, `[N, count]`.
  public func callAsFunction(
    _ logits: Variable, _ symbols: [UInt8], in context: Context
  ) -> Variable {
    switch (logits.value.precision, context.memory) {
    case (.float64, let memory?): next(logits, after: symbols, memory, in: context, Double.self)
    case (_, let memory?): next(logits, after: symbols, memory, in: context, Float.self)
    case (.float64, nil): all(logits, symbols, in: context, Double.self)
    default: all(logits, symbols, in: context, Float.self)
    }
  }

  private func next<Element: PaletteElement>(
    _ logits: Variable, after symbols: [UInt8], _ memory: Memory, in context: Context,
    _: Element.Type
  ) -> Variable {
    let weights = context.prepared.form("palette \(logits.value.precision)", of: weight) {
      PaletteWeights<Element>(weight, bias, variety, output)
    }
    let state = memory.state(of: weight) {
      PaletteState<Element>(
        Array(
          repeating: Array(repeating: LevelsSoFar(levels, weights), count: channels),
          count: memory.images))
    }
    let (count, known) = (symbols.count / memory.images, memory.known)
    let y = logits.value.copy(ofRows: Array(0..<memory.images))
    y.withMutableBytes { y in
      let y = y.bindMemory(to: Element.self).baseAddress!
      for n in state.images.indices {
        for i in 0..<count {
          state.images[n][(known - count + i) % channels]
            .tell(Int(symbols[n * count + i]), weights)
        }
        state.images[n][known % channels].add(to: y + n * levels, weights)
      }
    }
    return Variable(y)
  }

  private func all<Element: PaletteElement>(
    _ logits: Variable, _ symbols: [UInt8], in context: Context, _: Element.Type
  ) -> Variable {
    let weights = PaletteWeights<Element>(weight, bias, variety, output)
    let (images, levels, channels) = (logits.shape[0], levels, channels)
    let dimension = symbols.count / images
    precondition(
      logits.value.count == symbols.count * levels, "no logits of all levels: \(logits.shape)")
    let y = Tensor(logits.shape, logits.value.precision)
    y.copy(from: logits.value)
    y.withMutableBytes { y in
      // Each image writes its own part.
      nonisolated(unsafe) let y = y.bindMemory(to: Element.self).baseAddress!
      context.backend.concurrently(images) { n in
        for channel in 0..<channels {
          var soFar = LevelsSoFar<Element>(levels, weights)
          for i in stride(from: n * dimension + channel, to: (n + 1) * dimension, by: channels) {
            soFar.add(to: y + i * levels, weights)
            soFar.tell(Int(symbols[i]), weights)
          }
        }
      }
    }
    let variables = [weight, bias, variety, output].map { context.variable($0) }
    return context.record(y, from: [logits] + variables) { dy, gradients in
      // A categorical head sends its gradient in the precision of products.
      let wide = context.converted(dy, to: logits.value.precision)
      let sums = gradient(wide, symbols, weights, in: context)
      for (variable, sum) in zip(variables, sums) {
        gradients.add(
          Tensor(variable.shape, variable.value.precision, values: sum), to: variable.slot)
      }
      gradients.add(dy, to: logits.slot)
    }
  }

  /// The gradients of the parameters, given that of the logits.
  private func gradient<Element: PaletteElement>(
    _ dy: Tensor, _ symbols: [UInt8], _ weights: PaletteWeights<Element>, in context: Context
  ) -> [[Double]] {
    let (images, levels, channels) = (dy.shape[0], levels, channels)
    let dimension = symbols.count / images
    var parts = [[[Double]]](repeating: [], count: images * channels)
    dy.withBytes { dy in
      parts.withUnsafeMutableBufferPointer { parts in
        nonisolated(unsafe) let dy = dy.bindMemory(to: Element.self).baseAddress!
        nonisolated(unsafe) let parts = parts  // each its own
        context.backend.concurrently(images * channels) { part in
          let (n, channel) = (part / channels, part % channels)
          var soFar = LevelsSoFar<Element>(levels, weights)
          var gradient = PaletteGradient<Element>(levels)
          for i in stride(from: n * dimension + channel, to: (n + 1) * dimension, by: channels) {
            soFar.add(dy + i * levels, to: &gradient, weights)
            soFar.tell(Int(symbols[i]), weights, &gradient)
          }
          soFar.end(&gradient)
          parts[part] = gradient.values
        }
      }
    }
    return parts.dropFirst().reduce(into: parts[0]) { total, part in
      for (k, values) in part.enumerated() {
        for (i, value) in values.enumerated() { total[k][i] += value }
      }
    }
  }
}

/// What a palette remembers of each image, by channel.
private final class PaletteState<Element: PaletteElement>: LayerState {
  var images: [[LevelsSoFar<Element>]]

  init(_ images: [[LevelsSoFar<Element>]]) { self.images = images }

  func copy(of chosen: [Int]) -> PaletteState { PaletteState(chosen.map { images[$0] }) }
}
