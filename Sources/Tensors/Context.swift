/// A tensor in a computation: a constant, or a value on the tape.
public struct Variable {
  public let value: Tensor
  /// Where its gradient is gathered; nil for a constant.
  public let slot: Int?
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
}

/// All that a pass depends on, each by itself: the engine; whether it trains; whether a gradient will be
/// wanted; and whether it goes over all sub-pixels or, with a memory, over the next.
public final class Context {
  /// What a pass is for. It says nothing of gradients, which a score may want too.
  public enum Mode: Sendable, Equatable {
    case evaluation
    /// The step, for models that change from step to step, and the seed that keys its random draws.
    case training(step: Int, seed: UInt64)
  }

  public let engine: Engine
  public let mode: Mode
  /// Records what is needed for a gradient. Without it nothing is recorded, and kernels run that know
  /// no way back.
  public let tape: Tape?
  public let prepared: PreparedWeights
  /// What is known of the images of a pass over the next sub-pixel; nil where one is over all.
  public let memory: Memory?
  /// Intensities 0…1 of the batch where a gradient is wanted in them; nil where they are the batch's own.
  public let pixels: Parameter?
  /// Whether no gradient is wanted in weights: in pixels alone.
  private let weightsAreConstant: Bool

  public init(
    _ engine: Engine, mode: Mode = .evaluation, tape: Tape? = nil,
    prepared: PreparedWeights = PreparedWeights(), memory: Memory? = nil, pixels: Parameter? = nil,
    weightsAreConstant: Bool = false
  ) {
    precondition(tape == nil || memory == nil, "a pass over the next sub-pixel has no way back")
    self.engine = engine
    self.mode = mode
    self.tape = tape
    self.prepared = prepared
    self.memory = memory
    self.pixels = pixels
    self.weightsAreConstant = weightsAreConstant
  }

  /// The same engine and weights over the next sub-pixel.
  public func remembering(_ memory: Memory) -> Context {
    Context(engine, mode: mode, prepared: prepared, memory: memory)
  }

  public var backend: any Backend { engine.backend }
  public var precision: Precision { engine.precision }
  public var wide: Precision { engine.wide }

  /// A parameter's own value, without its mask.
  public func variable(_ parameter: Parameter) -> Variable {
    if let other = tape?.standIn(for: parameter) { return other }
    let isConstant = !parameter.learns || weightsAreConstant && parameter !== pixels
    return Variable(
      parameter.value, slot: isConstant ? nil : tape?.slot(of: parameter),
      copy: prepared.copies[ObjectIdentifier(parameter)])
  }

  /// Lets a variable stand for a parameter in all that the tape records from here on.
  public func stand(_ variable: Variable, for parameter: Parameter) {
    guard let tape else { preconditionFailure("only a context with a tape has stand-ins") }
    tape.stand(variable, for: parameter)
  }

  /// A value that depends on `inputs`. The pullback is kept only if a gradient can reach one of them: it
  /// gets the gradient of the value and hands out those of the inputs by their slots.
  ///
  /// Every operation is one such call, wherever it is written:
  ///
  /// ```swift
  /// func negated(_ x: Variable, in context: Context) -> Variable {
  ///   let y = …
  ///   return context.record(y, from: [x]) { dy, gradients in gradients.add(negated(dy), to: x.slot) }
  /// }
  /// ```
  public func record(
    _ value: Tensor, from inputs: [Variable], _ pullback: @escaping Tape.Pullback
  ) -> Variable {
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
