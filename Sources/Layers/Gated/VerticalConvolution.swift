import Tensors

/// A convolution of a vertical stack, whose every feature map knows the rows above and nothing of its own
/// (van den Oord et al. 2016b, arXiv:1606.05328, section 2.1): so it may see the rows down to its own,
/// and all of their columns.
///
/// Where pixels come one after the other it runs once a row, over all columns.
public struct VerticalConvolution {
  public let weight: Parameter
  public let bias: Parameter
  private let geometry: ConvolutionGeometry

  /// - Parameter size: the side of the uncropped kernel, odd; (size + 1) / 2 rows are left of it.
  public init(_ inputs: Int, _ outputs: Int, size: Int, gain: Double = 1, at scope: Scope) {
    precondition(size % 2 == 1, "a kernel has a centre: its side is odd, found \(size)")
    let reach = size / 2
    geometry = ConvolutionGeometry(
      height: reach + 1, width: size, top: reach, bottom: 0, left: reach, right: reach)
    weight = scope.parameter(
      "weight", [outputs, inputs, reach + 1, size],
      .he(fanIn: inputs * (reach + 1) * size, gain: gain), decays: true)
    bias = scope.parameter("bias", [outputs], .zeros, decays: false)
  }

  /// x ⋆ W + b (+ residual): `[N, H, W, inputs]` → `[N, H, W, outputs]`, x taken as max(x, 0) where
  /// rectified; with a memory the next row of each image, `[W, N, 1, inputs]` → `[W, N, 1, outputs]`.
  public func callAsFunction(
    _ x: Variable, rectified: Bool = false, adding residual: Variable? = nil, in context: Context
  ) -> Variable {
    guard context.tape == nil else {
      return context.convolution(
        x, rectified: rectified, context.variable(weight), context.variable(bias), geometry,
        adding: residual)
    }
    let weights = context.prepared.form("\(x.value.precision)", of: weight) {
      context.backend.prepare(
        weight.value, bias: bias.value, geometry, x.value.precision, ofImage: false)
    }
    let y = Tensor([x.shape[0], x.shape[1], x.shape[2], weights.outputs], x.value.precision)
    guard let memory = context.memory else {
      context.backend.convolution(
        x.value, rectified: rectified, weights, adding: residual?.value, into: y)
      return Variable(y)
    }
    guard geometry != .pointwise else {
      let pixels = memory.width * memory.images
      context.backend.convolution(
        of: x.value.reshaped([pixels, weights.inputs]), rectified: rectified, weights,
        memory: context.backend.memory(of: weights, images: pixels, width: 1),
        at: Pixel(row: 0, column: 0), channels: 0..<weights.outputs,
        adding: residual?.value.reshaped([pixels, weights.outputs]),
        into: y.reshaped([pixels, weights.outputs]))
      return Variable(y)
    }
    let state = memory.state(of: weight) {
      State(context.backend.memory(of: weights, images: memory.images, width: memory.width))
    }
    let row = memory.pixel(of: memory.known).row
    // A pixel sees the columns to its right: so all go into the memory first.
    for channels in [0..<0, 0..<weights.outputs] {
      for column in 0..<memory.width {
        func pixel(_ row: Tensor) -> Tensor {
          row.rows(column..<column + 1).reshaped([memory.images, row.shape[3]])
        }
        context.backend.convolution(
          of: pixel(x.value), rectified: rectified, weights, memory: state.inputs,
          at: Pixel(row: row, column: column), channels: channels,
          adding: residual.map { pixel($0.value) }, into: pixel(y))
      }
    }
    return Variable(y)
  }

  private final class State: LayerState {
    let inputs: ConvolutionMemory

    init(_ inputs: ConvolutionMemory) { self.inputs = inputs }

    func copy(of images: [Int]) -> State { State(inputs.copy(of: images)) }
  }
}
