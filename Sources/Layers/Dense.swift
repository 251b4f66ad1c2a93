import Tensors

/// f(W x + b), each unit of all units below.
public struct Dense {
  /// `[units, inputs]`.
  public let weight: Parameter
  /// `[units]`.
  public let bias: Parameter
  /// Of each class, in a model of classes.
  let classes: ClassBias?

  /// - Parameters:
  ///   - gain: of the standard deviation that suits what a ReLU follows.
  ///   - toldClasses: whether units have a bias for each class, where the model is told any.
  public init(
    _ inputs: Int, _ units: Int, gain: Double = 1, toldClasses: Bool = false, at scope: Scope
  ) {
    weight = scope.parameter(
      "weight", [units, inputs], .he(fanIn: inputs, gain: gain), decays: true)
    bias = scope.parameter("bias", [units], .zeros, decays: false)
    classes = toldClasses ? ClassBias(units, at: scope) : nil
  }

  /// `[N, inputs]` → `[N, units]`; wide where it is the last layer. An image may have several rows.
  /// - Parameter labels: the class of each image, for a layer that is told them.
  public func callAsFunction(
    _ x: Variable, activation: Activation = .identity, of labels: [Int]? = nil, last: Bool = false,
    in context: Context
  ) -> Variable {
    let y = context.linear(
      context.cast(x, to: context.precision), context.variable(weight), context.variable(bias),
      activation: classes == nil ? activation : .identity,
      precision: last ? context.wide : context.precision)
    return classes.map { context.activate(activation, context.biased(y, by: $0, of: labels)) } ?? y
  }

  /// The same of images side by side, where there is no way back; in one order of summation, however many
  /// they are.
  /// - Parameters:
  ///   - units: those to compute; all where nil.
  ///   - addend: what is added to each; of a layer that is told no classes.
  ///   - labels: the class of each image, for a layer that is told them.
  public func callAsFunction(
    _ x: SideBySide, units: Range<Int>? = nil, adding addend: SideBySide? = nil,
    activation: Activation = .identity, of labels: [Int]? = nil, last: Bool = false,
    in context: Context
  ) -> SideBySide {
    precondition(addend == nil || classes == nil, "one addend at a time")
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
      weights, rows: units, input, after: nil,
      adding: addend ?? classes?.sideBySide(Array(units), of: labels, in: context),
      activation: activation,
      into: y)
    return y
  }
}
