extension Context {
  /// x ⋆ w + bias (+ residual): `[N, H, W, I]` → `[N, H, W, O]`, weights `[O, I, kh, kw]`.
  ///
  /// - Parameters:
  ///   - rectified: whether x is taken as max(x, 0): a ReLU before the convolution costs no pass
  ///     over memory of its own.
  ///   - residual: what the result is added to, the end of a residual block.
  public func convolution(
    _ x: Variable, rectified: Bool = false, _ weights: Variable, _ bias: Variable,
    _ geometry: ConvolutionGeometry, adding residual: Variable? = nil, precision: Precision? = nil
  ) -> Variable {
    let y = Tensor(
      [x.shape[0], x.shape[1], x.shape[2], weights.shape[0]], precision ?? x.value.precision)
    backend.convolution(
      x.value, rectified: rectified, weights: weights.value, bias: bias.value, geometry,
      adding: residual?.value, into: y)
    let inputs = [x, weights, bias] + (residual.map { [$0] } ?? [])
    return record(y, from: inputs) { [self, residualSlot = residual?.slot] dy, gradients in
      if weights.slot != nil || bias.slot != nil {
        let dw = Tensor(weights.shape, wide)
        let dbias = Tensor(bias.shape, wide)
        backend.convolutionWeightGradient(
          dy, input: x.value, rectified: rectified, geometry, into: dw, bias: dbias)
        gradients.add(dw, to: weights.slot)
        gradients.add(dbias, to: bias.slot)
      }
      if x.slot != nil {
        let sum = gradients.pending(x.slot)?.reshaped(x.shape)
        let dx = sum ?? Tensor(x.shape, x.value.precision)
        backend.convolutionInputGradient(
          dy, weights: weights.value, geometry, rectified: rectified ? x.value : nil,
          accumulating: sum != nil, into: dx)
        if sum == nil { gradients.add(dx, to: x.slot) }
      }
      gradients.add(dy, to: residualSlot)
    }
  }
}
