import Layers
import Tensors
import TestSupport

extension KernelCase {
  /// Images, sub-pixels, hidden units, outputs: counts beside the kernel's tiles of four images,
  /// groups of eight, runs of sixteen sub-pixels and blocks of 64 hidden units, and full ones; one
  /// output (its own kernel) and more, sums that cross a thread's share (4096).
  private static let sizes = [
    (1, 1, 1, 1), (3, 5, 7, 1), (4, 9, 16, 1), (9, 13, 17, 1), (6, 40, 120, 1),
    (16, 32, 64, 1), (21, 17, 193, 1), (1, 1, 1, 2), (5, 6, 9, 3), (9, 7, 5, 16), (2, 3, 4, 256),
    (3, 30, 150, 2),
  ]

  /// How many of a hundred sub-pixels are not zero.
  private static let densities = [0, 12, 100]

  static let nade: [KernelCase] = nade(.sigmoid) + nade(.relu)

  private static func nade(_ units: Activation) -> [KernelCase] {
    sizes.flatMap { n, d, h, k in densities.flatMap { nade(n, d, h, k, $0, units) } }
  }

  private static func nade(
    _ n: Int, _ d: Int, _ h: Int, _ k: Int, _ density: Int, _ units: Activation
  ) -> [KernelCase] {
    let what = "NADE of \(n) images, \(d)x\(h)x\(k), \(density) % live, \(units)"
    @Sendable func x(_ arguments: Arguments) -> Tensor {
      let live = randomTensor([n, d], .float64, "live").values
      let draws = randomTensor([n, d], .float64, "x").values
      return arguments.given(
        [n, d], zip(live, draws).map { 50 + 50 * $0 < Double(density) ? $1 : 0 })
    }
    return [
      KernelCase(what) { backend, arguments in
        let logits = arguments.result([n, d, k])
        (backend as! any NADEKernels).nade(
          x(arguments), w: arguments.random([d, h], "w"), c: arguments.random([h], "c"),
          v: arguments.random([d, k, h], "v"), b: arguments.random([d, k], "b"), units: units,
          into: logits)
        return [logits]
      },
      KernelCase("gradient of \(what)") { backend, arguments in
        let (dw, dc) = (arguments.result([d, h]), arguments.result([h]))
        let (dv, db) = (arguments.result([d, k, h]), arguments.result([d, k]))
        (backend as! any NADEKernels).nadeGradient(
          arguments.random([n, d, k], "dlogits"), x(arguments), w: arguments.random([d, h], "w"),
          c: arguments.random([h], "c"), v: arguments.random([d, k, h], "v"), units: units,
          dw: dw, dc: dc, dv: dv, db: db)
        return [dw, dc, dv, db]
      },
      KernelCase("input gradient of \(what)") { backend, arguments in
        let dx = arguments.result([n, d])
        (backend as! any NADEKernels).nadeInputGradient(
          arguments.random([n, d, k], "dlogits"), x(arguments), w: arguments.random([d, h], "w"),
          c: arguments.random([h], "c"), v: arguments.random([d, k, h], "v"), units: units,
          into: dx)
        return [dx]
      },
    ]
  }
}
