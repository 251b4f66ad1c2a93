import Layers
import Tensors
import TestSupport

extension KernelCase {
  /// Pixels, groups and units a group: whole vectors and not, enough for two threads and not.
  private static let sizes = [(1, 1, 1), (7, 1, 16), (33, 3, 5), (5, 3, 16), (260, 1, 48)]

  private static let mask = DropoutMask(key: 0x1234_5678_9abc_def0, rate: 0.4)

  static let gated: [KernelCase] = [Precision.float32, .bfloat16].flatMap { precision in
    sizes.flatMap { pixels, groups, width in
      [nil, mask].flatMap { mask in
        let what = "gate of \(pixels)x\(groups)x\(width)\(mask == nil ? "" : ", dropped")"
        let wide: Shape = [pixels, 1, 1, 2 * groups * width]
        let narrow: Shape = [pixels, 1, 1, groups * width]
        return [
          KernelCase(what, precision) { backend, arguments in
            let y = arguments.result(narrow)
            (backend as! any GatedKernels).gate(
              arguments.random(wide, "a", scale: 12), width: width, dropout: mask, into: y)
            return [y]
          },
          KernelCase("gradient of \(what)", precision) { backend, arguments in
            let da = arguments.result(wide)
            (backend as! any GatedKernels).gateGradient(
              arguments.random(narrow, "dy"), arguments.random(wide, "a", scale: 3), width: width,
              dropout: mask, into: da)
            return [da]
          },
        ]
      }
    }
  }
}
