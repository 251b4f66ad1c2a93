import Tensors

/// f(x · Wᵀ + b), W `[outputs, inputs]`, where a mask may cut connections for good.
public struct Linear {
  public let weight: Parameter
  public let bias: Parameter?

  /// - Parameter mask: `[outputs, inputs]` of 0 and 1, or nil for all connections.
  public init(
    _ inputs: Int, _ outputs: Int, mask: Tensor? = nil, bias: Bool = true,
    weights: Initialisation? = nil, at scope: Scope
  ) {
    let bound = 1 / Double(max(1, inputs)).squareRoot()
    weight = scope.parameter(
      "weight", [outputs, inputs], weights ?? .uniform(bound: bound), mask: mask, decays: true)
    self.bias = bias ? scope.parameter("bias", [outputs], .zeros, decays: false) : nil
  }

  /// `[N, inputs]` → `[N, outputs]`. `weights` stands in for the layer's own, where a mask of the
  /// moment has been applied.
  public func callAsFunction(
    _ x: Variable, weights: Variable? = nil, activation: Activation = .identity,
    precision: Precision? = nil, in context: Context
  ) -> Variable {
    context.linear(
      x, weights ?? context.variable(weight), bias.map(context.variable),
      staircase: weights == nil ? weight.staircase : nil, activation: activation,
      precision: precision)
  }
}
