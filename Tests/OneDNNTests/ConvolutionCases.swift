import Tensors
import TestSupport

extension KernelCase {
  /// The kernels that masks are cropped to, and one that overhangs on every side.
  private static let geometries = [
    ConvolutionGeometry.pointwise,
    ConvolutionGeometry(height: 2, width: 3, top: 1, bottom: 0, left: 1, right: 1),
    ConvolutionGeometry(height: 4, width: 7, top: 3, bottom: 0, left: 3, right: 3),
    ConvolutionGeometry(height: 3, width: 3, top: 1, bottom: 1, left: 1, right: 1),
  ]

  /// Images `[N, H, W, I]` and output channels: one pixel, one channel, odd sides, widths and
  /// channels that are no multiple of a vector.
  private static let images: [(Shape, Int)] = [
    ([1, 1, 1, 1], 1), ([1, 1, 1, 3], 5), ([2, 5, 7, 1], 16), ([3, 4, 17, 3], 9),
    ([2, 9, 9, 16], 32), ([5, 3, 2, 33], 1),
  ]

  static let convolutions: [KernelCase] =
    [Precision.float32, .bfloat16].flatMap { precision in
      geometries.flatMap { geometry in
        images.flatMap { image, outputs in
          forward(image, outputs, geometry, precision)
            + backward(image, outputs, geometry, precision)
        }
      }
    }

  private static func forward(
    _ image: Shape, _ outputs: Int, _ geometry: ConvolutionGeometry, _ precision: Precision
  ) -> [KernelCase] {
    let what = "\(image) to \(outputs) by \(geometry.height)x\(geometry.width)"
    let result: Shape = [image[0], image[1], image[2], outputs]
    let weights: Shape = [outputs, image[3], geometry.height, geometry.width]
    @Sendable func call(
      _ backend: any Backend, _ arguments: Arguments, _ activation: Activation, into y: Tensor,
      accumulating: Bool
    ) -> [Tensor] {
      backend.convolution(
        arguments.random(image, "x"), weights: arguments.weights(weights, "w"),
        bias: arguments.random([outputs], "b", .float32), geometry, activation: activation,
        accumulating: accumulating, into: y)
      return [y]
    }
    return [Activation.identity, .relu, .sigmoid].map { activation in
      KernelCase("\(activation) convolution \(what)", precision) { backend, arguments in
        call(backend, arguments, activation, into: arguments.result(result), accumulating: false)
      }
    } + [
      KernelCase("convolution \(what), added", precision) { backend, arguments in
        call(
          backend, arguments, .identity, into: arguments.random(result, "y"), accumulating: true)
      },
      // The last layer: logits are float32.
      KernelCase("convolution \(what), float32", precision) { backend, arguments in
        call(
          backend, arguments, .identity, into: arguments.result(result, .float32),
          accumulating: false)
      },
    ]
  }

  private static func backward(
    _ image: Shape, _ outputs: Int, _ geometry: ConvolutionGeometry, _ precision: Precision
  ) -> [KernelCase] {
    let what = "\(image) to \(outputs) by \(geometry.height)x\(geometry.width)"
    let result: Shape = [image[0], image[1], image[2], outputs]
    let weights: Shape = [outputs, image[3], geometry.height, geometry.width]
    // The gradient comes in the precision of activations, from the logits as float32.
    return [precision, .float32].prefix(precision == .float32 ? 1 : 2).flatMap { given in
      @Sendable func gradient(_ arguments: Arguments) -> Tensor {
        given == .float32 ? arguments.weights(result, "dy") : arguments.random(result, "dy")
      }
      return [
        KernelCase("input gradient \(what) from \(given)", precision) { backend, arguments in
          let dx = arguments.result(image)
          backend.convolutionInputGradient(
            gradient(arguments), weights: arguments.weights(weights, "w"), geometry, into: dx)
          return [dx]
        },
        KernelCase("weight gradient \(what) from \(given)", precision) { backend, arguments in
          let dw = arguments.result(weights, .float32)
          let dbias = arguments.result([outputs], .float32)
          backend.convolutionWeightGradient(
            gradient(arguments), input: arguments.random(image, "x"), geometry, into: dw,
            bias: dbias)
          return [dw, dbias]
        },
      ]
    }
  }
}
