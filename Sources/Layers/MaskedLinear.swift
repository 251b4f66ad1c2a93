import Tensors

/// f(W x + b) in which each unit sees only units that are known before it (Germain et al. 2015,
/// arXiv:1502.03509, equation 12).
///
/// A unit's degree says how many leading sub-pixels must be known for it; an output sees the inputs
/// whose degree is at most its own. There may be several such connectivities of the same weights, of
/// which a pass takes one.
///
/// With a memory, a pass is told the inputs that have become known and computes the outputs that can be
/// known with them: each unit once.
public final class MaskedLinear {
  /// Degrees of the inputs and of the outputs.
  public struct Connectivity: Sendable {
    public let inputs: [Int]
    public let outputs: [Int]

    public init(inputs: [Int], outputs: [Int]) {
      self.inputs = inputs
      self.outputs = outputs
    }

    /// 1 where an output sees an input: `[outputs, inputs]`.
    func mask(_ precision: Precision) -> Tensor {
      let mask = Tensor([outputs.count, inputs.count], precision)
      switch precision {
      case .float64: fill(mask, Double.self)
      default: fill(mask, Float.self)
      }
      return mask
    }

    /// Row by row: the masks of a large layer that has several are made at every step.
    private func fill<Element: BinaryFloatingPoint>(_ mask: Tensor, _: Element.Type) {
      mask.withMutableBytes { bytes in
        var row = bytes.bindMemory(to: Element.self).baseAddress!
        inputs.withUnsafeBufferPointer { inputs in
          for degree in outputs {
            for column in inputs.indices { row[column] = inputs[column] <= degree ? 1 : 0 }
            row += inputs.count
          }
        }
      }
    }

    /// Live weights.
    public var count: Int {
      let known = Self.running(inputs)
      return outputs.reduce(0) { $0 + known[min($1, known.count - 1)] }
    }

    /// How many have at most this degree, by degree.
    static func running(_ degrees: [Int]) -> [Int] {
      var counts = [Int](repeating: 0, count: (degrees.max() ?? 0) + 1)
      for degree in degrees { counts[degree] += 1 }
      var sum = 0
      return counts.map { count in
        sum += count
        return sum
      }
    }
  }

  public let weight: Parameter
  public let bias: Parameter?
  /// Of each class, in a model of classes.
  let classes: ClassBias?
  /// What the weights have in common at all places.
  let stencil: Stencil?
  let connectivities: [Connectivity]
  private let orders: [Order]

  /// With one connectivity the mask is part of the weights; with several these stay whole.
  /// - Parameters:
  ///   - toldClasses: whether units have a bias for each class, where the model is told any.
  ///   - learns: whether training moves weights and bias.
  ///   - stencil: what is added to the weights; of a layer with one connectivity, in the raster's order.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = true, weights: Initialisation? = nil,
    toldClasses: Bool = false, learns: Bool = true, stencil: Stencil? = nil, at scope: Scope,
    connectivities make: () -> [Connectivity]
  ) {
    // A layer that is only measured has no need of them, and may be too large for them.
    connectivities = scope.isMeasuring ? [] : make()
    orders = connectivities.map(Order.init)
    let fixed = connectivities.count == 1 ? connectivities[0] : nil
    let bound = 1 / Double(max(1, inputs)).squareRoot()
    weight = scope.parameter(
      "weight", [outputs, inputs], weights ?? .uniform(bound: bound),
      mask: fixed?.mask(scope.precision), decays: learns, learns: learns)
    self.bias =
      bias ? scope.parameter("bias", [outputs], .zeros, decays: false, learns: learns) : nil
    classes = toldClasses ? ClassBias(outputs, at: scope) : nil
    self.stencil = stencil
    precondition(stencil == nil || connectivities.count < 2, "a stencil is of one connectivity")
  }

  /// Live weights, a mean over the connectivities.
  public var multiplyAdds: Int {
    connectivities.reduce(0) { $0 + $1.count } / connectivities.count
  }

  /// - Parameters:
  ///   - connectivity: which of them.
  ///   - addend: what is added before the activation, which then must be the identity; not to a layer
  ///     that is told classes.
  ///   - labels: the class of each image, for a layer that is told them.
  ///   - precision: of the factors; the engine's where nil. Results of the last layer are wide.
  public func callAsFunction(
    _ x: Units, connectivity: Int = 0, activation: Activation = .identity,
    adding addend: Units? = nil, of labels: [Int]? = nil,
    precision: Precision? = nil, last: Bool = false, in context: Context
  ) -> Units {
    precondition(addend == nil || classes == nil, "a layer of classes adds their bias alone")
    let precision = precision ?? context.precision
    switch x {
    case .rows(let x):
      let isFixed = connectivities.count == 1
      var weights = context.variable(weight)
      if let stencil { weights = context.sum(weights, stencil) }
      if !isFixed {
        weights = context.masked(
          weights, by: connectivities[connectivity].mask(weight.value.precision))
      }
      let y = context.linear(
        context.cast(x, to: precision), weights,
        bias.map(context.variable), staircase: isFixed ? weight.staircase : nil,
        activation: classes == nil ? activation : .identity,
        precision: last ? context.wide : precision)
      if let classes {
        let sum = context.biased(y, by: classes, of: labels)
        return .rows(activation == .identity ? sum : context.activate(activation, sum))
      }
      return .rows(addend.map { context.sum(y, context.rows($0)) } ?? y)
    case .sideBySide(let x):
      var sum: SideBySide?
      if case .sideBySide(let values) = addend { sum = values }
      return .sideBySide(
        evaluated(x, connectivity, activation, sum, of: labels, precision, last: last, in: context))
    }
  }

  /// What it remembers: its inputs so far, how many outputs are known, and the beginnings of the next
  /// outputs' sums.
  private final class State: LayerState {
    let weights: ProductWeights
    let x: SideBySide
    var told = 0
    var known = 0
    var leading: LeadingSums?

    init(_ weights: ProductWeights, _ x: SideBySide) {
      self.weights = ProductWeights(weights)
      self.x = x
    }

    func copy(of images: [Int]) -> State {
      let state = State(weights, x.copy(of: images))
      (state.told, state.known, state.leading) = (told, known, leading?.copy(of: images))
      return state
    }
  }

  private func evaluated(
    _ x: SideBySide, _ index: Int, _ activation: Activation, _ addend: SideBySide?,
    of labels: [Int]?, _ precision: Precision, last: Bool, in context: Context
  ) -> SideBySide {
    guard let memory = context.memory else {
      let weights = prepared(index, precision, in: context)
      var input = x
      if x.precision != precision {
        input = SideBySide(elements: x.elements, images: x.images, precision)
        context.backend.copy(x, into: input, from: 0)
      }
      let y = SideBySide(
        elements: weights.rows, images: x.images, last ? context.wide : precision)
      context.backend.product(
        weights, rows: 0..<weights.rows, input, after: nil,
        adding: addend ?? told(labels, 0..<weights.rows, orders[index], in: context),
        activation: activation, into: y)
      return y
    }
    let order = orders[index]
    let state = memory.state(of: weight, index) {
      State(
        prepared(index, precision, in: context),
        .zeros(elements: order.inputs.count, images: memory.images, precision))
    }
    if x.elements > 0 {
      context.backend.copy(x, into: state.x, from: state.told)
      state.told += x.elements
    }
    let rows = state.known..<order.known[min(memory.known, order.known.count - 1)]
    state.known = rows.upperBound
    let y = SideBySide(elements: rows.count, images: x.images, context.wide)
    context.backend.product(
      state.weights, rows: rows, state.x, after: leading(rows, state, in: context),
      adding: addend ?? told(labels, rows, order, in: context), activation: activation, into: y)
    return y
  }

  /// The classes' bias of some rows, in the order in which they become known.
  private func told(
    _ labels: [Int]?, _ rows: Range<Int>, _ order: Order, in context: Context
  ) -> SideBySide? {
    classes.map { $0.sideBySide(rows.map { order.outputs[$0] }, of: labels, in: context) }
  }

  private func prepared(_ index: Int, _ precision: Precision, in context: Context)
    -> ProductWeights
  {
    context.prepared.form("\(index) \(precision)", of: weight) {
      orders[index].prepare(
        self, masked: connectivities.count == 1, connectivities[index], precision, context.backend)
    }
  }

  /// Few rows at a time read all that is known for each of them: the beginnings of the next ones' sums are
  /// then made together, each input and its place in a register serving many rows.
  private func leading(_ rows: Range<Int>, _ state: State, in context: Context) -> LeadingSums? {
    guard !rows.isEmpty, rows.count <= 4 else { return nil }
    if let leading = state.leading, leading.rows.upperBound >= rows.upperBound { return leading }
    let ahead = rows.lowerBound..<min(rows.lowerBound + 32, state.weights.rows)
    state.leading = context.backend.leadingSums(
      state.weights, rows: ahead, state.x, known: state.told)
    return state.leading
  }

  /// Units in the order in which they become known.
  private final class Order: Sendable {
    /// Places of the sorted units; nil where they are in order.
    let inputs: [Int]
    let outputs: [Int]
    let isSorted: Bool
    /// Live leading inputs of each output.
    let lengths: [Int]
    /// Outputs that are known with so many sub-pixels.
    let known: [Int]

    init(_ connectivity: Connectivity) {
      func sorted(_ degrees: [Int]) -> [Int] {
        degrees.indices.sorted { (degrees[$0], $0) < (degrees[$1], $1) }
      }
      inputs = sorted(connectivity.inputs)
      outputs = sorted(connectivity.outputs)
      isSorted =
        inputs.elementsEqual(connectivity.inputs.indices)
        && outputs.elementsEqual(connectivity.outputs.indices)
      let seen = Connectivity.running(connectivity.inputs)
      lengths = outputs.map { seen[min(connectivity.outputs[$0], seen.count - 1)] }
      known = Connectivity.running(connectivity.outputs)
    }

    func prepare(
      _ layer: MaskedLinear, masked: Bool, _ connectivity: Connectivity, _ precision: Precision,
      _ backend: any Backend
    ) -> ProductWeights {
      var weights = layer.weight.value
      var bias = layer.bias?.value
      if let stencil = layer.stencil { weights = stencil.sum(with: weights) }
      if !masked {
        let whole = weights
        weights = Tensor(whole.shape, whole.precision)
        backend.product(whole, connectivity.mask(whole.precision), into: weights)
      }
      if !isSorted {
        weights = weights.permuted(rows: outputs, columns: inputs)
        bias = bias.map {
          $0.reshaped([$0.count, 1]).permuted(rows: outputs, columns: nil).reshaped([$0.count])
        }
      }
      return ProductWeights(weights, bias: bias, lengths: lengths, precision: precision, backend)
    }
  }
}
