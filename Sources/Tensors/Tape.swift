/// What a computation did, so that its gradient can be taken.
///
/// Operations append an entry as they run; `backward` runs the entries in reverse and drops each one
/// after use, so activations are freed on the way. An entry's pullback gets the gradient of its
/// output and hands out the gradients of its inputs.
///
/// ```swift
/// let context = Context(Engine(backend, .float32), tape: Tape())
/// let logProbability = model.conditionals(batch, in: context).logProbability(of: batch, in: context)
/// let gradients = context.gradients(of: logProbability, seed: -1.0 / Double(batch.count))
/// ```
public final class Tape {
  public typealias Pullback = (_ dy: Tensor, _ gradients: inout Gradients) -> Void

  private struct Entry {
    let output: Int
    let shape: Shape
    let pullback: Pullback
  }
  private var entries: [Entry] = []
  private var slots = 0
  private var parameters: [(parameter: Parameter, slot: Int)] = []
  private var parameterSlots: [ObjectIdentifier: Int] = [:]
  private var standIns: [ObjectIdentifier: Variable] = [:]

  public init() {}

  func standIn(for parameter: Parameter) -> Variable? { standIns[ObjectIdentifier(parameter)] }

  func stand(_ variable: Variable, for parameter: Parameter) {
    standIns[ObjectIdentifier(parameter)] = variable
  }

  func newSlot() -> Int {
    slots += 1
    return slots - 1
  }

  func slot(of parameter: Parameter) -> Int {
    let key = ObjectIdentifier(parameter)
    if let slot = parameterSlots[key] { return slot }
    let slot = newSlot()
    parameterSlots[key] = slot
    parameters.append((parameter, slot))
    return slot
  }

  func append(output: Int, shape: Shape, _ pullback: @escaping Pullback) {
    entries.append(Entry(output: output, shape: shape, pullback: pullback))
  }

  /// Runs the tape backwards and leaves it empty.
  /// - Parameters:
  ///   - output: where to start.
  ///   - seed: the gradient of the objective in every element of `output`.
  func backward(from output: Variable, seed: Double, backend: any Backend) -> Gradients {
    guard let slot = output.slot else { preconditionFailure("the output is not on this tape") }
    var gradients = Gradients(backend: backend, parameterSlots: parameterSlots)
    let first = Tensor(output.value.shape, output.value.precision)
    first.write([Double](repeating: seed, count: first.count))
    gradients.add(first, to: slot)
    while let entry = entries.popLast() {
      guard let dy = gradients.take(entry.output) else { continue }
      entry.pullback(dy.reshaped(entry.shape), &gradients)
    }
    for (parameter, slot) in parameters {
      guard let mask = parameter.mask, let sum = gradients.pending(slot) else { continue }
      let gradient = sum.reshaped(mask.shape)
      if let staircase = parameter.staircase {
        backend.clear(gradient, from: staircase.lengths, to: staircase.reaches)
      } else {
        backend.product(gradient, mask, into: gradient)
      }
    }
    return gradients
  }
}

/// Gradients on their way back, and at the end those of the parameters.
public struct Gradients {
  let backend: any Backend
  private let parameterSlots: [ObjectIdentifier: Int]
  private var bySlot: [Int: Tensor] = [:]

  init(backend: any Backend, parameterSlots: [ObjectIdentifier: Int]) {
    self.backend = backend
    self.parameterSlots = parameterSlots
  }

  /// The gradient of a parameter in its shape, whatever shape it was used under; nil where the
  /// output does not depend on it.
  public subscript(_ parameter: Parameter) -> Tensor? {
    let gradient = live(parameter)
    if let gradient, let staircase = parameter.staircase {
      let whole = [Int](repeating: staircase.width, count: staircase.lengths.count)
      backend.clear(gradient, from: staircase.reaches, to: whole)
    }
    return gradient
  }

  /// The same, but what no step of the parameter's staircase reaches is left as it was found: half
  /// of a masked matrix need not be written.
  public func live(_ parameter: Parameter) -> Tensor? {
    parameterSlots[ObjectIdentifier(parameter)].flatMap { bySlot[$0]?.reshaped(parameter.shape) }
  }

  /// Adds to the gradient of a slot; the tensor is the tape's from here on.
  public mutating func add(_ gradient: Tensor, to slot: Int?) {
    guard let slot else { return }
    if let sum = bySlot[slot] {
      backend.add(gradient.reshaped(sum.shape), into: sum)
    } else {
      bySlot[slot] = gradient
    }
  }

  /// The gradient so far of a slot, to be added to in place, or nil.
  public func pending(_ slot: Int?) -> Tensor? {
    slot.flatMap { bySlot[$0] }
  }

  mutating func take(_ slot: Int) -> Tensor? {
    bySlot.removeValue(forKey: slot)
  }
}
