extension PlainBackend {
  public func matrixProduct(
    _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: Tensor
  ) {
    let (rows, inner) = aT ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
    let (innerOfB, columns) = bT ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
    precondition(
      inner == innerOfB && c.shape == [rows, columns],
      "cannot multiply \(a.shape) and \(b.shape) into \(c.shape)")
    let x = a.values
    let y = b.values
    let offset = bias?.values
    var result = [Double](repeating: 0, count: c.count)
    for row in 0..<rows {
      for column in 0..<columns {
        var sum = offset?[column] ?? 0
        for k in 0..<inner {
          sum +=
            x[aT ? k * rows + row : row * inner + k]
            * y[bT ? column * inner + k : k * columns + column]
        }
        result[row * columns + column] = activation.value(sum)
      }
    }
    c.write(result)
  }

  public func matrixProduct(
    _ a: MatrixBlock, transposed aT: Bool, _ b: MatrixBlock, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: MatrixBlock
  ) {
    func copy(_ block: MatrixBlock) -> Tensor {
      Tensor(
        [block.rows.count, block.columns.count], block.matrix.precision, values: block.values)
    }
    let product = Tensor([c.rows.count, c.columns.count], c.matrix.precision)
    matrixProduct(
      copy(a), transposed: aT, copy(b), transposed: bT, bias: bias, activation: activation,
      into: product)
    c.write(product.values)
  }

  public func clear(_ x: Tensor, from starts: [Int], to ends: [Int]) {
    requireFit(x.shape, starts, ends)
    for (row, columns) in zip(starts, ends).enumerated() {
      for column in columns.0..<columns.1 { x.set(row * x.shape[1] + column, to: 0) }
    }
  }

  public func sumOfRows(_ x: Tensor, into y: Tensor) {
    let columns = y.count
    precondition(x.count % columns == 0, "\(x.shape) has no rows of \(columns)")
    var sums = [Double](repeating: 0, count: columns)
    for (i, value) in x.values.enumerated() { sums[i % columns] += value }
    y.write(sums)
  }
}
