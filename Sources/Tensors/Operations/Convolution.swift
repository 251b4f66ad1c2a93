extension Context {
  /// f(x ⋆ w + bias): `[N, H, W, I]` → `[N, H, W, O]`, weights `[O, I, kh, kw]`.
  public func convolution(
    _ x: Variable, _ weights: Variable, _ bias: Variable, _ geometry: ConvolutionGeometry,
    activation: Activation = .identity, precision: Precision? = nil
  ) -> Variable {
    let y = Tensor(
      [x.shape[0], x.shape[1], x.shape[2], weights.shape[0]], precision ?? x.value.precision)
    backend.convolution(
      x.value, weights: weights.value, bias: bias.value, geometry, activation: activation,
      accumulating: false, into: y)
    return record(y, from: [x, weights, bias]) { [self] dy, gradients in
      if activation != .identity {
        backend.activationGradient(activation, output: y, dy, into: dy, accumulating: false)
      }
      convolutionPullback(dy, x, weights, bias, geometry, &gradients)
    }
  }

  /// stream + x ⋆ w + bias, the end of a residual block. The stream's memory is reused for the
  /// result: its old value is gone.
  public func convolution(
    _ x: Variable, _ weights: Variable, _ bias: Variable, _ geometry: ConvolutionGeometry,
    addedTo stream: consuming Variable
  ) -> Variable {
    let y = stream.value
    let streamSlot = stream.slot
    backend.convolution(
      x.value, weights: weights.value, bias: bias.value, geometry, activation: .identity,
      accumulating: true, into: y)
    return record(y, from: [x, weights, bias, stream]) { [self] dy, gradients in
      convolutionPullback(dy, x, weights, bias, geometry, &gradients)
      gradients.add(dy, to: streamSlot)
    }
  }

  private func convolutionPullback(
    _ dy: Tensor, _ x: Variable, _ weights: Variable, _ bias: Variable,
    _ geometry: ConvolutionGeometry, _ gradients: inout Gradients
  ) {
    let dw = Tensor(weights.shape, wide)
    let dbias = Tensor(bias.shape, wide)
    backend.convolutionWeightGradient(dy, input: x.value, geometry, into: dw, bias: dbias)
    gradients.add(dw, to: weights.slot)
    gradients.add(dbias, to: bias.slot)
    guard x.slot != nil else { return }
    let dx = Tensor(x.shape, x.value.precision)
    backend.convolutionInputGradient(dy, weights: weights.value, geometry, into: dx)
    gradients.add(dx, to: x.slot)
  }
}
