import Tensors

/// A convolution that sees all around its pixel, for networks that are told whole images; zero beyond the
/// edges.
public struct Convolution {
  public let weight: Parameter
  public let bias: Parameter
  private let geometry: ConvolutionGeometry

  /// - Parameters:
  ///   - size: the side of the kernel, odd.
  ///   - gain: of the standard deviation that suits what a ReLU follows.
  public init(_ inputs: Int, _ outputs: Int, size: Int, gain: Double = 1, at scope: Scope) {
    precondition(size % 2 == 1, "a kernel has a centre: its side is odd, found \(size)")
    let reach = size / 2
    geometry = ConvolutionGeometry(
      height: size, width: size, top: reach, bottom: reach, left: reach, right: reach)
    weight = scope.parameter(
      "weight", [outputs, inputs, size, size], .he(fanIn: inputs * size * size, gain: gain),
      decays: true)
    bias = scope.parameter("bias", [outputs], .zeros, decays: false)
  }

  /// x ⋆ W + b (+ residual): `[N, H, W, inputs]` → `[N, H, W, outputs]`, x taken as max(x, 0) where
  /// rectified.
  public func callAsFunction(
    _ x: Variable, rectified: Bool = false, adding residual: Variable? = nil, in context: Context
  ) -> Variable {
    context.convolution(
      x, rectified: rectified, context.variable(weight), context.variable(bias), geometry,
      adding: residual)
  }
}
