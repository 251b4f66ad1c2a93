import CKernels
import Tensors

/// Matrix products by oneDNN, and sums over rows.
extension CPUBackend {
  public func matrixProduct(
    _ a: Tensor, transposed aT: Bool, _ b: Tensor, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: Tensor
  ) {
    let precision: Precision =
      [a, b, c].contains { $0.precision == .bfloat16 } ? .bfloat16 : .float32
    exclusively {
      matrixProduct(
        MatrixBlock(matched(a, precision)), transposed: aT, MatrixBlock(matched(b, precision)),
        transposed: bT, bias: bias, activation: activation, into: MatrixBlock(c))
    }
  }

  public func matrixProduct(
    _ a: MatrixBlock, transposed aT: Bool, _ b: MatrixBlock, transposed bT: Bool, bias: Tensor?,
    activation: Activation, into c: MatrixBlock
  ) {
    let (rows, inner) = aT ? (a.columns.count, a.rows.count) : (a.rows.count, a.columns.count)
    let (innerOfB, columns) =
      bT ? (b.columns.count, b.rows.count) : (b.rows.count, b.columns.count)
    precondition(
      inner == innerOfB && c.rows.count == rows && c.columns.count == columns
        && a.matrix.precision == b.matrix.precision,
      "cannot multiply \(a.rows.count)x\(a.columns.count) \(a.matrix.precision) and"
        + " \(b.rows.count)x\(b.columns.count) \(b.matrix.precision) into"
        + " \(c.rows.count)x\(c.columns.count)")
    let key = ProductKey(
      rows: rows, inner: inner, columns: columns, transposedA: aT, transposedB: bT,
      bias: bias != nil, activation: activation, strideA: a.matrix.shape[1],
      strideB: b.matrix.shape[1], strideC: c.matrix.shape[1], precision: a.matrix.precision,
      output: c.matrix.precision)
    exclusively {
      let primitive = product(key)
      let (a, b) = (a.matrix.dropFirst(a.first), b.matrix.dropFirst(b.first))
      let c = c.matrix.dropFirst(c.first)
      if let bias {
        primitive.run(a, b, bias, c)
      } else {
        primitive.run(a, b, c)
      }
    }
  }

  public func clear(_ x: Tensor, from starts: [Int], to ends: [Int]) {
    requireFit(x.shape, starts, ends)
    exclusively { sl_clear(x.floats.baseAddress, starts, ends, x.shape[0], x.shape[1]) }
  }

  public func sumOfRows(_ x: Tensor, into y: Tensor) {
    exclusively {
      if x.precision == .bfloat16 {
        sl_sum_of_rows_bf16(x.halves, x.count / y.count, y.count, y.floats.baseAddress)
      } else {
        sl_sum_of_rows_f32(
          x.floats.baseAddress, x.count / y.count, y.count, y.floats.baseAddress)
      }
    }
  }
}
