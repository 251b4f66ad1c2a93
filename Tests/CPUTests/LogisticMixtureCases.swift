import Heads
import Tensors
import TestSupport

extension KernelCase {
  /// Pixels, components, channels, levels: counts beside the kernel's blocks of sixteen pixels and of
  /// sixteen outputs, and full ones.
  private static let mixtureSizes = [
    (1, 1, 1, 2), (15, 3, 1, 7), (16, 16, 1, 256), (33, 10, 3, 256), (40, 5, 2, 16),
    (100, 64, 3, 4),
    (17, 2, 4, 256),
  ]

  static let mixtures: [KernelCase] = mixtureSizes.flatMap { n, k, c, levels -> [KernelCase] in
    let shape = LogisticMixtureShape(components: k, channels: c, levels: levels)
    // First and last levels too.
    let symbols = (0..<n * c).map { UInt8(($0 * 37 + levels - 1) % levels) }
    return [("", 1.0), (", wide", 9)].flatMap { what, scale -> [KernelCase] in
      let name = "mixtures of \(k) for \(n) pixels of \(c) channels and \(levels) levels\(what)"
      @Sendable func outputs(_ arguments: Arguments) -> Tensor {
        arguments.random([n, shape.outputs], "outputs", scale: scale)
      }
      return [
        KernelCase("log p of \(name)") { backend, arguments in
          let y = arguments.result([n * c])
          (backend as! any LogisticMixtureKernels).logisticMixtureLogProbability(
            outputs(arguments), shape, symbols, into: y)
          return [y]
        }
      ]
        + [Precision.float32, .bfloat16].flatMap { precision in
          // Equal gradients, as in training, and others.
          [true, false].map { equal in
            KernelCase("gradient of \(name) in \(precision)\(equal ? ", equal" : "")") {
              backend, arguments in
              let result = arguments.result([n, shape.outputs], precision)
              (backend as! any LogisticMixtureKernels).logisticMixtureGradient(
                equal
                  ? arguments.given([n * c], [Double](repeating: -0.25, count: n * c))
                  : arguments.random([n * c], "dy"),
                outputs(arguments), shape, symbols, into: result)
              return [result]
            }
          }
        }
    }
  }
}
