/// A tensor in a computation: a constant, or a value on the tape.
public struct Variable {
  public let value: Tensor
  let slot: Int?
  /// The same in bfloat16, where a copy is kept.
  let copy: Tensor?

  /// A constant: no gradient flows into it.
  public init(_ value: Tensor) {
    self.init(value, slot: nil)
  }

  init(_ value: Tensor, slot: Int?, copy: Tensor? = nil) {
    self.value = value
    self.slot = slot
    self.copy = copy
  }

  public var shape: Shape { value.shape }

  /// The same elements under another shape.
  public func reshaped(_ shape: Shape) -> Variable {
    Variable(value.reshaped(shape), slot: slot)
  }

  /// A constant in another precision.
  public func cast(to precision: Precision, in context: Context) -> Variable {
    precondition(slot == nil, "only a constant can change its precision")
    guard precision != value.precision else { return self }
    let y = Tensor(shape, precision)
    context.backend.convert(value, into: y)
    return Variable(y)
  }
}

/// Where a computation runs: the arithmetic, the precision of activations, and the tape if a gradient
/// will be wanted. Inference has no tape and records nothing.
public final class Context {
  public let backend: any Backend
  /// The precision of activations. Logits, log-probabilities and gradients of parameters are
  /// `wide`.
  public let precision: Precision
  public let tape: Tape?
  /// The training step, for models that change from step to step (the masks of MADE).
  public let step: Int
  /// Keys the random draws of a training step (dropout).
  public let seed: UInt64
  /// bfloat16 copies of parameters, kept by whoever changes those, so that a step need not convert
  /// them.
  let copies: [ObjectIdentifier: Tensor]

  public init(
    backend: any Backend, precision: Precision, tape: Tape? = nil, step: Int = 0,
    seed: UInt64 = 0, copies: [ObjectIdentifier: Tensor] = [:]
  ) {
    self.backend = backend
    self.precision = precision
    self.tape = tape
    self.step = step
    self.seed = seed
    self.copies = copies
  }

  /// float64 where everything is, float32 otherwise.
  public var wide: Precision { precision == .float64 ? .float64 : .float32 }

  /// A parameter's own value, without its mask.
  public func variable(_ parameter: Parameter) -> Variable {
    Variable(
      parameter.value, slot: tape?.slot(of: parameter), copy: copies[ObjectIdentifier(parameter)])
  }

  /// A value that depends on `inputs`. The pullback is kept only if a gradient can reach one of them.
  func record(_ value: Tensor, from inputs: [Variable], _ pullback: @escaping Tape.Pullback)
    -> Variable
  {
    guard let tape, inputs.contains(where: { $0.slot != nil }) else { return Variable(value) }
    let slot = tape.newSlot()
    tape.append(output: slot, shape: value.shape, pullback)
    return Variable(value, slot: slot)
  }

  /// The gradients of Σ seed · output in every parameter; the tape is empty afterwards.
  public func gradients(of output: Variable, seed: Double) -> Gradients {
    guard let tape else { preconditionFailure("a context without a tape has no gradients") }
    return tape.backward(from: output, seed: seed, backend: backend)
  }
}
