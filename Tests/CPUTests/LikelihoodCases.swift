import Tensors
import TestSupport

extension KernelCase {
  static let likelihoods = bernoulli + categorical

  /// Logits of every size, each with both symbols.
  private static let extremes = [
    0, 1e-30, 1e-6, 0.01, 1, 10, 50, 87, 87.3, 88, 89, 100, 103, 1000, 1e6,
  ].flatMap { [$0, $0, -$0, -$0] }

  private static let bernoulli: [KernelCase] =
    [1, 17, 1025, 12_293].flatMap { n in
      bernoulli("\(n) logits", (0..<n).map { $0 % 2 }) {
        $0.random([n], "logits", scale: 10)
      }
    }
    + bernoulli("extreme logits", extremes.indices.map { $0 % 2 }) {
      $0.given([extremes.count], extremes)
    }

  private static func bernoulli(
    _ what: String, _ symbols: [Int], logits: @escaping @Sendable (Arguments) -> Tensor
  ) -> [KernelCase] {
    let symbols = symbols.map(UInt8.init)
    return [
      KernelCase("Bernoulli log p of \(what)") { backend, arguments in
        let y = arguments.result([symbols.count])
        backend.bernoulliLogProbability(logits(arguments), symbols, into: y)
        return [y]
      },
      KernelCase("Bernoulli gradient of \(what)") { backend, arguments in
        let dlogits = arguments.result([symbols.count])
        backend.bernoulliGradient(
          arguments.random([symbols.count], "dy"), logits(arguments), symbols, into: dlogits)
        return [dlogits]
      },
    ]
  }

  /// Categoricals and their levels.
  private static let sizes = [(1, 2), (17, 3), (33, 16), (100, 17), (65, 255), (40, 256)]

  private static let categorical: [KernelCase] = sizes.flatMap { n, k -> [KernelCase] in
    func each(_ what: String, _ logit: @escaping @Sendable (Int) -> Double) -> [KernelCase] {
      categorical("\(n) of \(k) levels, \(what)", n, k) {
        $0.given([n, k], (0..<n * k).map(logit))
      }
    }
    return categorical("\(n) of \(k) levels", n, k) { $0.random([n, k], "logits", scale: 10) }
      + each("all equal") { _ in 77 }
      + each("±100") { $0 % 3 == 0 ? 100 : -100 }
      // One level takes all, another one nothing, at sizes whose exponential overflows.
      + each("of huge spread") { $0 % k == 1 ? 1e6 : $0 % k == 0 ? -1e6 : 0 }
  }

  private static func categorical(
    _ what: String, _ n: Int, _ k: Int, logits: @escaping @Sendable (Arguments) -> Tensor
  ) -> [KernelCase] {
    // First and last levels too.
    let symbols = (0..<n).map { UInt8(($0 * 37 + (k - 1)) % k) }
    return [
      KernelCase("categorical log p of \(what)") { backend, arguments in
        let y = arguments.result([n])
        backend.categoricalLogProbability(logits(arguments), symbols, into: y)
        return [y]
      }
    ]
      + [Precision.float32, .bfloat16].map { precision in
        KernelCase("categorical gradient of \(what) in \(precision)") { backend, arguments in
          let dlogits = arguments.result([n, k], precision)
          backend.categoricalGradient(
            arguments.random([n], "dy"), logits(arguments), symbols, into: dlogits)
          return [dlogits]
        }
      }
  }
}
