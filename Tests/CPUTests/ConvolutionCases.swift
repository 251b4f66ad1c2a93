import Tensors
import TestSupport

extension KernelCase {
  /// The kernels that masks are cropped to, with and without what is dead of their last row, and one
  /// that overhangs on every side.
  private static let geometries = [
    ConvolutionGeometry.pointwise,
    ConvolutionGeometry(height: 2, width: 3, top: 1, bottom: 0, left: 1, right: 1),
    ConvolutionGeometry(height: 2, width: 3, top: 1, bottom: 0, left: 1, right: 1, lastRow: 2),
    ConvolutionGeometry(height: 4, width: 7, top: 3, bottom: 0, left: 3, right: 3, lastRow: 3),
    ConvolutionGeometry(height: 3, width: 3, top: 1, bottom: 1, left: 1, right: 1),
    ConvolutionGeometry(height: 1, width: 2, top: 0, bottom: 0, left: 1, right: 0),
  ]

  /// Images `[N, H, W, I]` and output channels: one pixel, one channel, odd sides, widths and
  /// channels that are no multiple of a vector; and, for our own kernels, channels that are one, two,
  /// three, four and seven vectors, and more rows than are worked on at a time.
  private static let images: [(Shape, Int)] = [
    ([1, 1, 1, 1], 1), ([1, 1, 1, 3], 5), ([2, 5, 7, 1], 16), ([3, 4, 17, 3], 9),
    ([2, 9, 9, 16], 32), ([5, 3, 2, 33], 1), ([1, 1, 1, 64], 16), ([3, 5, 6, 32], 48),
    ([1, 70, 5, 16], 112), ([2, 5, 33, 64], 64),
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

  /// Random weights, zero where the geometry says so.
  private static func live(_ shape: Shape, _ geometry: ConvolutionGeometry) -> [Double] {
    (0..<shape.count).map { place in
      let (row, column) = (place / shape[3] % shape[2], place % shape[3])
      return row < geometry.height - 1 || column < geometry.lastRow ? 1 : 0
    }
  }

  private static func forward(
    _ image: Shape, _ outputs: Int, _ geometry: ConvolutionGeometry, _ precision: Precision
  ) -> [KernelCase] {
    let what = name(image, outputs, geometry)
    let result: Shape = [image[0], image[1], image[2], outputs]
    let shape: Shape = [outputs, image[3], geometry.height, geometry.width]
    @Sendable func call(
      _ backend: any Backend, _ arguments: Arguments, rectified: Bool = false,
      adding residual: Tensor? = nil, into y: Tensor
    ) -> [Tensor] {
      backend.convolution(
        arguments.random(image, "x"), rectified: rectified,
        weights: weights(arguments, shape, geometry),
        bias: arguments.random([outputs], "b", .float32), geometry, adding: residual, into: y)
      return [y]
    }
    return [
      KernelCase("convolution \(what)", precision) { backend, arguments in
        call(backend, arguments, into: arguments.result(result))
      },
      KernelCase("rectified convolution \(what), added", precision) { backend, arguments in
        call(
          backend, arguments, rectified: true, adding: arguments.random(result, "residual"),
          into: arguments.result(result))
      },
      // The last layer: logits are float32.
      KernelCase("rectified convolution \(what), float32", precision) { backend, arguments in
        call(backend, arguments, rectified: true, into: arguments.result(result, .float32))
      },
    ]
  }

  private static func name(_ image: Shape, _ outputs: Int, _ geometry: ConvolutionGeometry)
    -> String
  {
    "\(image) to \(outputs) by \(geometry.height)x\(geometry.width)/\(geometry.lastRow)"
  }

  private static func weights(
    _ arguments: Arguments, _ shape: Shape, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    let weights = arguments.weights(shape, "w")
    weights.write(zip(weights.values, live(shape, geometry)).map(*))
    return weights
  }

  private static func backward(
    _ image: Shape, _ outputs: Int, _ geometry: ConvolutionGeometry, _ precision: Precision
  ) -> [KernelCase] {
    let what = name(image, outputs, geometry)
    let result: Shape = [image[0], image[1], image[2], outputs]
    let shape: Shape = [outputs, image[3], geometry.height, geometry.width]
    // The gradient comes in the precision of activations, from the logits as float32.
    return [precision, .float32].prefix(precision == .float32 ? 1 : 2).flatMap { given in
      @Sendable func gradient(_ arguments: Arguments) -> Tensor {
        given == .float32 ? arguments.weights(result, "dy") : arguments.random(result, "dy")
      }
      return [
        KernelCase("input gradient \(what) from \(given)", precision) { backend, arguments in
          let dx = arguments.result(image)
          backend.convolutionInputGradient(
            gradient(arguments), weights: weights(arguments, shape, geometry), geometry,
            rectified: nil, accumulating: false, into: dx)
          return [dx]
        },
        // Where oneDNN makes the gradient, it is rounded before and after the addition.
        KernelCase("rectified input gradient \(what), added", precision, roundings: 2) {
          backend, arguments in
          let dx = arguments.random(image, "dx")
          backend.convolutionInputGradient(
            gradient(arguments), weights: weights(arguments, shape, geometry), geometry,
            rectified: arguments.random(image, "x"), accumulating: true, into: dx)
          return [dx]
        },
      ]
        + [false, true].map { rectified in
          KernelCase("weight gradient \(what) from \(given), rectified: \(rectified)", precision) {
            backend, arguments in
            let dw = arguments.result(shape, .float32)
            let dbias = arguments.result([outputs], .float32)
            backend.convolutionWeightGradient(
              gradient(arguments), input: arguments.random(image, "x"), rectified: rectified,
              geometry, into: dw, bias: dbias)
            // What is left where no weight lives has no meaning.
            dw.write(zip(dw.values, live(shape, geometry)).map { $1 == 0 ? 0 : $0 })
            return [dw, dbias]
          }
        }
    }
  }
}
