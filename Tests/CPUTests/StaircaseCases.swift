import Tensors
import TestSupport

/// Row r of 300 sees the first r / 2 of 157 columns: three steps, the first row sees nothing.
let staircaseMask: Tensor = {
  let (rows, columns) = (300, 157)
  return Tensor(
    [rows, columns], .float32,
    values: (0..<rows * columns).map { $0 % columns < $0 / columns / 2 ? 1 : 0 })
}()

extension KernelCase {
  /// Blocks as a staircase cuts them: first row, rows, first column, columns.
  private static let blocks = [(0, 3, 0, 5), (1, 17, 2, 33), (4, 64, 7, 1), (2, 1, 0, 64)]

  static let staircases: [KernelCase] =
    [Precision.float32, .bfloat16].flatMap { precision in
      blocks.flatMap { products($0, precision) }
    } + optimiserOfStaircase

  /// Products of blocks with a row of their own stride each, all that lies beside them untouched.
  private static func products(_ block: (Int, Int, Int, Int), _ precision: Precision)
    -> [KernelCase]
  {
    let (row, rows, column, columns) = block
    let n = 9
    return [
      KernelCase("linear block \(block)", precision) { backend, arguments in
        let y = arguments.random([n, row + rows + 3], "y")
        let x = arguments.random([n, column + columns + 2], "x")
        let w = arguments.random([row + rows + 3, column + columns + 2], "w")
        backend.matrixProduct(
          MatrixBlock(x, columns: column..<column + columns), transposed: false,
          MatrixBlock(w, rows: row..<row + rows, columns: column..<column + columns),
          transposed: true, bias: arguments.random([rows], "b", .float32), activation: .relu,
          into: MatrixBlock(y, columns: row..<row + rows))
        return [y]
      },
      KernelCase("weight gradient block \(block)", precision) { backend, arguments in
        let dw = arguments.random([row + rows + 3, column + columns + 2], "dw", .float32)
        let dy = arguments.random([n, row + rows + 3], "dy")
        let x = arguments.random([n, column + columns + 2], "x")
        backend.matrixProduct(
          MatrixBlock(dy, columns: row..<row + rows), transposed: true,
          MatrixBlock(x, columns: column..<column + columns), transposed: false, bias: nil,
          activation: .identity,
          into: MatrixBlock(dw, rows: row..<row + rows, columns: column..<column + columns))
        return [dw]
      },
    ]
  }

  private static var optimiserOfStaircase: [KernelCase] {
    let shape = staircaseMask.shape
    let staircase = Staircase(staircaseMask)!
    @Sendable func live(_ arguments: Arguments, _ name: String) -> Tensor {
      let values = randomTensor(shape, .float64, name).values
      return arguments.given(shape, zip(values, staircaseMask.values).map { abs($0) * $1 })
    }
    return [
      KernelCase("sum of squares of a staircase") { backend, arguments in
        let sum = backend.sumOfSquares(live(arguments, "x"), staircase)
        return [Tensor([1], .float64, values: [sum])]
      },
      KernelCase("clear beyond a staircase") { backend, arguments in
        let x = arguments.random(shape, "x")
        backend.clear(x, from: staircase.lengths, to: staircase.reaches)
        return [x]
      },
      KernelCase("AdamW of a staircase") { backend, arguments in
        var rates = AdamWStep(learningRate: 0.01, step: 3, averageDecay: 0.9)
        rates.weightDecay = 0.1
        let (weights, first) = (live(arguments, "weights"), live(arguments, "first"))
        let (second, average) = (live(arguments, "second"), live(arguments, "average"))
        let copy = arguments.random(shape, "copy", .bfloat16)
        backend.adamW(
          rates, weights: weights, gradient: live(arguments, "gradient"), first: first,
          second: second, average: average, copy: copy, staircase)
        return [weights, first, second, average, copy]
      },
    ]
  }
}
