import Layers
import Tensors
import TestSupport

extension KernelCase {
  /// Images, rows of each, and channels: whole vectors and not, enough for two threads and not; and rows
  /// with images side by side.
  private static let shapes = [
    (1, 1, 1, 1), (3, 7, 1, 5), (5, 1, 4, 33), (2, 260, 1, 48), (7, 1, 1, 300),
  ]

  static let classes: [KernelCase] = [Precision.float32, .bfloat16].flatMap { precision in
    shapes.map { images, each, times, width in
      KernelCase("bias of \(times)x\(images)x\(each)x\(width)", precision) { backend, arguments in
        let shape: Shape = [times * images * each, width]
        let y = arguments.result(shape)
        (backend as! any ClassKernels).addBias(
          arguments.random([images, width], "bias", .float32), each: each,
          to: arguments.random(shape, "x"), into: y)
        return [y]
      }
    }
  }
}
