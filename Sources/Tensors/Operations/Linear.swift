extension Context {
  /// f(x · Wᵀ + bias): `[N, I]` → `[N, O]`, weights `[O, I]`.
  public func linear(
    _ x: Variable, _ weights: Variable, _ bias: Variable?, activation: Activation = .identity,
    precision: Precision? = nil
  ) -> Variable {
    let y = Tensor([x.shape[0], weights.shape[0]], precision ?? x.value.precision)
    backend.matrixProduct(
      x.value, transposed: false, weights.value, transposed: true, bias: bias?.value,
      activation: activation, into: y)
    return record(y, from: [x, weights] + (bias.map { [$0] } ?? [])) { [self] dy, gradients in
      if activation != .identity {
        backend.activationGradient(activation, output: y, dy, into: dy, accumulating: false)
      }
      let dw = Tensor(weights.shape, wide)
      backend.matrixProduct(
        dy, transposed: true, x.value, transposed: false, bias: nil, activation: .identity,
        into: dw)
      gradients.add(dw, to: weights.slot)
      if let bias {
        let dbias = Tensor(bias.shape, wide)
        backend.sumOfRows(dy, into: dbias)
        gradients.add(dbias, to: bias.slot)
      }
      guard x.slot != nil else { return }
      let dx = Tensor(x.shape, x.value.precision)
      backend.matrixProduct(
        dy, transposed: false, weights.value, transposed: false, bias: nil,
        activation: .identity, into: dx)
      gradients.add(dx, to: x.slot)
    }
  }
}
