extension PlainBackend {
  public func muon(_ step: MuonStep, _ matrices: [MuonMatrix]) {
    for matrix in matrices {
      let (rows, columns) = (matrix.rows, matrix.columns)
      let beta = step.momentum
      let gradient = matrix.gradient.values
      let momentum = zip(matrix.momentum.values, gradient).map { beta * $0 + (1 - beta) * $1 }
      let ahead = zip(momentum, gradient).map { beta * $0 + (1 - beta) * $1 }
      let direction = Self.orthogonal(ahead, rows: rows, columns: columns)
      let rate = step.learningRate * Double(max(rows, columns)).squareRoot()
      let mask = matrix.mask?.values
      let weights = matrix.weights.values.enumerated().map { i, weight in
        weight * (1 - step.learningRate * step.weightDecay) - rate * direction[i] * (mask?[i] ?? 1)
      }
      matrix.momentum.write(momentum)
      matrix.weights.write(weights)
      matrix.average.write(
        zip(matrix.average.values, weights).map {
          step.averageDecay * $0 + (1 - step.averageDecay) * $1
        })
    }
  }

  /// The norm of a matrix, below which it moves ever less: that of a dead layer decays to nothing.
  private static var vanishing: Double { 1e-7 }

  /// Five turns of x ← 3.4445 x − 4.775 x xᵀ x + 2.0315 (x xᵀ)² x from x of norm 1.
  static func orthogonal(_ x: [Double], rows: Int, columns: Int) -> [Double] {
    let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
    var x = x.map { $0 / (norm + vanishing) }
    func product(_ a: [Double], _ b: [Double]) -> [Double] {
      var c = [Double](repeating: 0, count: rows * columns)
      for i in 0..<rows {
        for k in 0..<rows {
          for j in 0..<columns { c[i * columns + j] += a[i * rows + k] * b[k * columns + j] }
        }
      }
      return c
    }
    for _ in 0..<5 {
      var gram = [Double](repeating: 0, count: rows * rows)
      for i in 0..<rows {
        for j in 0..<rows {
          for k in 0..<columns { gram[i * rows + j] += x[i * columns + k] * x[j * columns + k] }
        }
      }
      let cubed = product(gram, x)
      let fifth = product(gram, cubed)
      for i in x.indices { x[i] = 3.4445 * x[i] - 4.775 * cubed[i] + 2.0315 * fifth[i] }
    }
    return x
  }
}
