import Tensors
import TestSupport

extension KernelCase {
  /// Rows, inner side, columns.
  private static let products = [
    (1, 1, 1), (1, 7, 5), (3, 1, 17), (5, 33, 2), (17, 64, 31), (2, 300, 65), (64, 5, 100),
  ]

  static let linear: [KernelCase] =
    [Precision.float32, .bfloat16].flatMap { precision in
      products.flatMap { shape in
        forward(shape, precision) + backward(shape, precision)
      } + sums(precision)
    }

  /// f(x · Wᵀ + b), into activations and into float32.
  private static func forward(_ shape: (Int, Int, Int), _ precision: Precision) -> [KernelCase] {
    let (m, k, n) = shape
    return [Activation.identity, .relu, .sigmoid].flatMap { activation in
      [true, false].flatMap { hasBias in
        (precision == .float32 ? [precision] : [precision, .float32]).map { output in
          KernelCase(
            "\(activation) linear \(m)x\(k)x\(n)\(hasBias ? " + bias" : "") to \(output)", precision
          ) { backend, arguments in
            let y = arguments.result([m, n], output)
            backend.matrixProduct(
              arguments.random([m, k], "x"), transposed: false, arguments.weights([n, k], "w"),
              transposed: true, bias: hasBias ? arguments.random([n], "b", .float32) : nil,
              activation: activation, into: y)
            return [y]
          }
        }
      }
    }
  }

  /// The products of a linear operation's pullback.
  private static func backward(_ shape: (Int, Int, Int), _ precision: Precision) -> [KernelCase] {
    let (m, k, n) = shape
    return [
      KernelCase("weight gradient \(m)x\(k)x\(n)", precision) { backend, arguments in
        let dw = arguments.result([n, k], .float32)
        backend.matrixProduct(
          arguments.random([m, n], "dy"), transposed: true, arguments.random([m, k], "x"),
          transposed: false, bias: nil, activation: .identity, into: dw)
        return [dw]
      },
      KernelCase("input gradient \(m)x\(k)x\(n)", precision) { backend, arguments in
        let dx = arguments.result([m, k])
        backend.matrixProduct(
          arguments.random([m, n], "dy"), transposed: false, arguments.weights([n, k], "w"),
          transposed: false, bias: nil, activation: .identity, into: dx)
        return [dx]
      },
      // What the float32 logits of an output layer send back.
      KernelCase("input gradient of float32 \(m)x\(k)x\(n)", precision) { backend, arguments in
        let dx = arguments.result([m, k])
        // Numbers that bfloat16 holds, so that only the arithmetic is compared.
        let dy = arguments.random([m, n], "dy")
        let wide = Tensor(dy.shape, dy.precision == .bfloat16 ? .float32 : dy.precision)
        wide.write(dy.values)
        backend.matrixProduct(
          wide, transposed: false, arguments.weights([n, k], "w"), transposed: false, bias: nil,
          activation: .identity, into: dx)
        return [dx]
      },
      KernelCase("both transposed \(m)x\(k)x\(n)", precision) { backend, arguments in
        let c = arguments.result([m, n], .float32)
        backend.matrixProduct(
          arguments.random([k, m], "a"), transposed: true, arguments.random([n, k], "b"),
          transposed: true, bias: nil, activation: .identity, into: c)
        return [c]
      },
    ]
  }

  /// Columns around a thread's share (256).
  private static func sums(_ precision: Precision) -> [KernelCase] {
    [(1, 1), (3, 17), (7, 255), (5, 257), (40, 1000)].map { rows, columns in
      KernelCase("sum of \(rows) rows of \(columns)", precision) { backend, arguments in
        let y = arguments.result([columns], .float32)
        backend.sumOfRows(arguments.random([rows, columns], "x"), into: y)
        return [y]
      }
    }
  }
}
