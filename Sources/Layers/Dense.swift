import Tensors

/// f(W x + b), each unit of all units below.
public struct Dense {
  /// `[units, inputs]`.
  public let weight: Parameter
  /// `[units]`.
  public let bias: Parameter

  /// - Parameter gain: of the standard deviation that suits what a ReLU follows.
  public init(_ inputs: Int, _ units: Int, gain: Double = 1, at scope: Scope) {
    weight = scope.parameter(
      "weight", [units, inputs], .he(fanIn: inputs, gain: gain), decays: true)
    bias = scope.parameter("bias", [units], .zeros, decays: false)
  }

  /// `[N, inputs]` → `[N, units]`; wide where it is the last layer.
  public func callAsFunction(
    _ x: Variable, activation: Activation = .identity, last: Bool = false, in context: Context
  ) -> Variable {
    context.linear(
      context.cast(x, to: context.precision), context.variable(weight), context.variable(bias),
      activation: activation, precision: last ? context.wide : context.precision)
  }

  /// The same of images side by side, where there is no way back; in one order of summation, however many
  /// they are.
  /// - Parameter units: those to compute; all where nil.
  public func callAsFunction(
    _ x: SideBySide, units: Range<Int>? = nil, activation: Activation = .identity,
    last: Bool = false, in context: Context
  ) -> SideBySide {
    let precision = context.precision
    let (count, inputs) = (weight.shape[0], weight.shape[1])
    let weights = context.prepared.form("dense \(precision)", of: weight) {
      ProductWeights(
        weight.value, bias: bias.value, lengths: Array(repeating: inputs, count: count),
        precision: precision, context.backend)
    }
    var input = x
    if x.precision != precision {
      input = .zeros(elements: x.elements, images: x.images, precision)
      context.backend.copy(x, into: input, from: 0)
    }
    let units = units ?? 0..<count
    let y = SideBySide(
      elements: units.count, images: x.images, last ? context.wide : precision)
    context.backend.product(
      weights, rows: units, input, after: nil, adding: nil, activation: activation, into: y)
    return y
  }
}
