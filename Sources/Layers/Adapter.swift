import Tensors

/// A low-rank addition to the weights of a layer that stay as they are (Hu et al. 2021,
/// arXiv:2106.09685): W + U D, U `[O, R]` and D `[R, I]`, a convolution's kernel `[O, I, kh, kw]` being a
/// matrix `[O, I · kh · kw]`. What a mask holds at zero stays there.
///
/// U starts at zero, so that training begins at the weights as they are.
public struct Adapter {
  /// W, which nothing here changes.
  public let base: Parameter
  public let up: Parameter
  public let down: Parameter

  /// Whether a parameter is weights, and not a bias or a gain.
  public static func adapts(_ parameter: Parameter) -> Bool {
    parameter.decays && parameter.shape.rank > 1
  }

  /// - Parameter rank: R, or as many as the matrix has rows or columns where those are fewer.
  public init(_ base: Parameter, rank: Int, at scope: Scope) {
    self.base = base
    let outputs = base.shape[0]
    let inputs = base.shape.count / outputs
    let r = min(rank, outputs, inputs)
    up = scope.parameter("\(base.name)#up", [outputs, r], .zeros, decays: true)
    down = scope.parameter(
      "\(base.name)#down", [r, inputs], .uniform(bound: 1 / Double(inputs).squareRoot()),
      decays: true)
  }

  /// W + U D.
  public func write(into weights: Tensor, _ backend: any Backend) {
    backend.matrixProduct(
      up.value, transposed: false, down.value, transposed: false, bias: nil, activation: .identity,
      into: weights.reshaped([up.shape[0], down.shape[1]]))
    if let mask = base.mask { backend.product(weights, mask, into: weights) }
    backend.add(base.value, into: weights)
  }

  /// Lets W + U D stand for W in the passes of a context, whose gradients then reach U and D.
  public func stand(in context: Context) {
    let (u, d) = (context.variable(up), context.variable(down))
    let weights = Tensor(base.shape, base.value.precision)
    write(into: weights, context.backend)
    let variable = context.record(weights, from: [u, d]) { [base] dy, gradients in
      let dw = dy.reshaped(base.shape)
      if let staircase = base.staircase {
        // What lies beyond was never written.
        let whole = [Int](repeating: staircase.width, count: staircase.lengths.count)
        context.backend.clear(dw, from: staircase.lengths, to: whole)
      } else if let mask = base.mask {
        context.backend.product(dw, mask, into: dw)
      }
      let matrix = dw.reshaped([u.shape[0], d.shape[1]])
      let (du, dd) = (Tensor(u.shape, context.wide), Tensor(d.shape, context.wide))
      context.backend.matrixProduct(
        matrix, transposed: false, d.value, transposed: true, bias: nil, activation: .identity,
        into: du)
      context.backend.matrixProduct(
        u.value, transposed: true, matrix, transposed: false, bias: nil, activation: .identity,
        into: dd)
      gradients.add(du, to: u.slot)
      gradients.add(dd, to: d.slot)
    }
    context.stand(variable, for: base)
  }
}
