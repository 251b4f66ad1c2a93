import Tensors

/// The recurrent part of a layer, its state-to-state component: from the inputs a of every position's gates
/// to the states h of its units, over a lattice of positions.
///
/// Gradients go through all positions. What is kept of a position for the way back is its gates' sums and
/// its state; the cells are kept about √positions apart, and those between computed anew.
public struct Recurrence {
  public let shape: RecurrenceShape
  public let weight: Parameter  // [gates · units, reach · units]
  /// Of a GRU's candidate, where the reset gate stands between it and the inputs' own: `[units]`.
  let bias: Parameter?

  /// - Parameter lattice: not made where the layer is only measured.
  public init(
    _ cell: RecurrentCell, units: Int, groups: Int = 1, over lattice: () -> Lattice, reach: Int,
    at scope: Scope
  ) {
    let lattice = scope.isMeasuring ? .empty : lattice()
    shape = RecurrenceShape(cell, units: units, groups: groups, lattice)
    weight = scope.parameter(
      "weight", [cell.gates * units, reach * units],
      .uniform(bound: 1 / Double(reach * units).squareRoot()), decays: true)
    bias = cell == .gru ? scope.parameter("bias", [units], .zeros, decays: false) : nil
    precondition(
      bias == nil || groups == 1, "the bias of a GRU's candidate is that of one group")
  }

  /// a `[N, H, W, gates · units]` → `[N, H, W, units]`; with a memory the next position, of which the units
  /// of the next sub-pixel's colour are computed and those of the colours before it stand.
  public func callAsFunction(_ a: Variable, in context: Context) -> Variable {
    guard let memory = context.memory else { return context.recur(a, shape, weight, bias) }
    let state = state(memory, in: context, a.value.precision)
    let told = memory.height * memory.width * memory.channels / shape.lattice.positions
    let group = memory.known % told * shape.groups / told
    next(
      memory.known / told, groups: group..<group + 1, a.value, state, into: state.output,
      in: context)
    return Variable(state.output)
  }

  /// The units of some groups at a position: y `[N, …, units]` of a `[N, …, gates · units]`.
  func next(
    _ position: Int, groups: Range<Int>, _ a: Tensor, _ state: State, into y: Tensor,
    in context: Context
  ) {
    context.recurrenceKernels.recurNext(
      shape, position: position, groups: groups, a, state.weights, state.states, into: y)
  }

  func state(_ memory: Memory, in context: Context, _ precision: Precision) -> State {
    memory.state(of: weight) {
      State(
        context.prepared(shape, weight, bias, precision),
        context.recurrenceKernels.recurrenceState(shape, images: memory.images, precision),
        output: .zeros([memory.images, 1, 1, shape.units], precision))
    }
  }

  /// The states that are still needed, and that of the position at hand.
  final class State: LayerState {
    let weights: RecurrenceWeights
    let states: RecurrenceState
    let output: Tensor

    init(_ weights: RecurrenceWeights, _ states: RecurrenceState, output: Tensor) {
      (self.weights, self.states, self.output) = (weights, states, output)
    }

    func copy(of images: [Int]) -> State {
      State(weights, states.copy(of: images), output: output.copy(ofRows: images))
    }
  }

  /// Of one image.
  public var multiplyAdds: Int { shape.lattice.positions * weight.value.count }
  /// Elements that a training step keeps of an image: the gates' sums, and the states, once more side by side
  /// for the matrix's gradient.
  public var keptElements: Int {
    let sums = shape.cell == .tanh ? 1 : 4
    return shape.lattice.positions * shape.units * (sums + 1)
  }
}

extension RecurrentCell {
  /// The first biases of inputs `[groups, gates, units / groups]`: 1 for forget gates, so that a cell starts
  /// by remembering (Jozefowicz et al. 2015, http://proceedings.mlr.press/v37/jozefowicz15.html), 0 for all
  /// others.
  public func firstBias(units: Int, groups: Int = 1) -> Initialisation {
    guard self == .lstm else { return .zeros }
    let each = units / groups
    return .given(
      (0..<groups * gates).flatMap { gate in
        [Double](repeating: gate % gates == 1 ? 1 : 0, count: each)
      })
  }
}

extension Context {
  var recurrenceKernels: any RecurrenceKernels {
    backend as? any RecurrenceKernels ?? ReferenceBackend()
  }

  /// The recurrent matrix and, of all gates, the bias as the kernels read them.
  fileprivate func prepared(
    _ shape: RecurrenceShape, _ weight: Parameter, _ bias: Parameter?, _ precision: Precision
  ) -> RecurrenceWeights {
    func make() -> RecurrenceWeights {
      let all = bias.map { bias in
        let all = Tensor.zeros([shape.inputWidth], bias.value.precision)
        all.rows(2 * shape.units..<3 * shape.units).copy(from: bias.value)
        return all
      }
      return recurrenceKernels.prepareRecurrence(shape, weight.value, bias: all, precision)
    }
    // The weights of a step change with the next.
    return tape == nil ? prepared.form("recurrence \(precision)", of: weight, make) : make()
  }

  fileprivate func recur(
    _ a: Variable, _ shape: RecurrenceShape, _ weight: Parameter, _ bias: Parameter?
  ) -> Variable {
    let (kernels, precision, images) = (recurrenceKernels, a.value.precision, a.shape[0])
    precondition(
      a.shape[1] * a.shape[2] == shape.lattice.positions && a.shape[3] == shape.inputWidth,
      "no recurrence of \(shape.inputWidth) inputs at \(shape.lattice.positions) positions over"
        + " \(a.shape)")
    let weights = prepared(shape, weight, bias, precision)
    let y = Tensor([images, a.shape[1], a.shape[2], shape.units], precision)
    let kept = kernels.recur(shape, a.value, weights, into: y, keeping: tape != nil)
    guard let kept else { return Variable(y) }
    let u = variable(weight)
    let b = bias.map(variable)
    // Not a itself, whose memory is free from here on.
    let (slot, sides) = (a.slot, a.shape)
    return record(y, from: [a, u] + (b.map { [$0] } ?? [])) { [self] dy, gradients in
      let da = Tensor(sides, precision)
      let dq = shape.cell == .gru ? Tensor(sides, precision) : nil
      kernels.recurGradient(
        shape, converted(dy, to: precision), kept, weights, da: da, dq: dq)
      let du = Tensor(u.shape, wide)
      let dbias = Tensor([shape.inputWidth], wide)
      backend.convolutionWeightGradient(
        (dq ?? da).reshaped([images, 1, shape.lattice.positions, shape.inputWidth]),
        input: shape.lattice.statesBefore(y), rectified: false, .pointwise,
        into: du.reshaped([shape.inputWidth, shape.stateWidth, 1, 1]), bias: dbias)
      gradients.add(du, to: u.slot)
      gradients.add(da, to: slot)
      if let b {
        gradients.add(dbias.rows(2 * shape.units..<3 * shape.units), to: b.slot)
      }
    }
  }
}

extension Lattice {
  /// The states before each position side by side, zeros where there is none: y `[N, …, units]` →
  /// `[N, 1, positions, reach · units]`.
  fileprivate func statesBefore(_ y: Tensor) -> Tensor {
    let (images, units) = (y.shape[0], y.shape[3])
    let bytes = units * y.precision.byteCount
    let x = Tensor.zeros([images, 1, positions, reach * units], y.precision)
    for position in 0..<positions {
      for (which, before) in predecessors(of: position).enumerated() where before >= 0 {
        for n in 0..<images {
          (x.pointer + ((n * positions + position) * reach + which) * bytes).copyMemory(
            from: y.pointer + (n * positions + before) * bytes, byteCount: bytes)
        }
      }
    }
    return x
  }
}
