extension Context {
  /// f(x · Wᵀ + bias): `[N, I]` → `[N, O]`, weights `[O, I]`.
  ///
  /// - Parameter staircase: the live part of the weights; what lies beyond is zero and not
  ///   multiplied, and what is left there as its gradient has no meaning.
  public func linear(
    _ x: Variable, _ weights: Variable, _ bias: Variable?, staircase: Staircase? = nil,
    activation: Activation = .identity, precision: Precision? = nil
  ) -> Variable {
    let y = Tensor([x.shape[0], weights.shape[0]], precision ?? x.value.precision)
    let factors = Factors(
      weights: converted(weights, to: x.value.precision), staircase: staircase)
    factors.multiply(x.value, bias: bias?.value, activation, into: y, backend)
    return record(y, from: [x, weights] + (bias.map { [$0] } ?? [])) { [self] dy, gradients in
      if activation != .identity {
        backend.activationGradient(activation, output: y, dy, into: dy, accumulating: false)
      }
      if let bias, bias.slot != nil {
        let dbias = Tensor(bias.shape, wide)
        backend.sumOfRows(dy, into: dbias)
        gradients.add(dbias, to: bias.slot)
      }
      let dy = converted(dy, to: x.value.precision)
      if weights.slot != nil {
        let dw = Tensor(weights.shape, wide)
        factors.weightGradient(dy, x.value, into: dw, backend)
        gradients.add(dw, to: weights.slot)
      }
      guard x.slot != nil else { return }
      let dx = Tensor(x.shape, x.value.precision)
      factors.inputGradient(dy, into: dx, backend)
      gradients.add(dx, to: x.slot)
    }
  }

  /// The value, or the copy in the wanted precision that is kept of it, or a new one.
  private func converted(_ x: Variable, to precision: Precision) -> Tensor {
    if let copy = x.copy, copy.precision == precision { return copy }
    return converted(x.value, to: precision)
  }

  /// The tensor itself, or a copy in the wanted precision.
  public func converted(_ x: Tensor, to precision: Precision) -> Tensor {
    if x.precision == precision { return x }
    let y = Tensor(x.shape, precision)
    backend.convert(x, into: y)
    return y
  }
}

/// The weights of a linear layer as the blocks that are worth multiplying.
private struct Factors {
  /// In the precision of the input.
  let weights: Tensor
  let steps: [Staircase.Step]

  init(weights: Tensor, staircase: Staircase?) {
    self.weights = weights
    steps =
      staircase?.steps
      ?? [Staircase.Step(rows: 0..<weights.shape[0], columns: weights.shape[1])]
  }

  func multiply(
    _ x: Tensor, bias: Tensor?, _ activation: Activation, into y: Tensor, _ backend: any Backend
  ) {
    for step in steps {
      backend.matrixProduct(
        MatrixBlock(x, columns: 0..<step.columns), transposed: false,
        MatrixBlock(weights, rows: step.rows, columns: 0..<step.columns), transposed: true,
        bias: bias?.rows(step.rows), activation: activation,
        into: MatrixBlock(y, columns: step.rows))
    }
  }

  func weightGradient(_ dy: Tensor, _ x: Tensor, into dw: Tensor, _ backend: any Backend) {
    for step in steps {
      backend.matrixProduct(
        MatrixBlock(dy, columns: step.rows), transposed: true,
        MatrixBlock(x, columns: 0..<step.columns), transposed: false, bias: nil,
        activation: .identity, into: MatrixBlock(dw, rows: step.rows, columns: 0..<step.columns))
    }
  }

  /// The inputs between two steps' ends are seen by all outputs from the second step on.
  func inputGradient(_ dy: Tensor, into dx: Tensor, _ backend: any Backend) {
    var first = 0
    for step in steps where step.columns > first {
      let rows = step.rows.lowerBound..<weights.shape[0]
      backend.matrixProduct(
        MatrixBlock(dy, columns: rows), transposed: false,
        MatrixBlock(weights, rows: rows, columns: first..<step.columns), transposed: false,
        bias: nil, activation: .identity, into: MatrixBlock(dx, columns: first..<step.columns))
      first = step.columns
    }
    if first < dx.shape[1] {
      let unseen = MatrixBlock(dx, columns: first..<dx.shape[1])
      unseen.write([Double](repeating: 0, count: unseen.rows.count * unseen.columns.count))
    }
  }
}
