import CKernels
import Tensors

/// Element by element.
extension CPUBackend {
  public func intensities(_ symbols: [UInt8], scale: Double, offset: Double, into y: Tensor) {
    precondition(symbols.count == y.count, "\(symbols.count) symbols do not fill \(y.shape)")
    exclusively {
      if y.precision == .bfloat16 {
        sl_intensities_bf16(symbols, Float(scale), Float(offset), y.halves, y.count)
      } else {
        sl_intensities_f32(symbols, Float(scale), Float(offset), y.floats.baseAddress, y.count)
      }
    }
  }

  public func appendChannels(_ planes: Tensor, to x: Tensor, into y: Tensor) {
    exclusively {
      let planes = matched(planes, x.precision)
      defer { withExtendedLifetime(planes) {} }
      let (images, pixels) = (x.shape[0], x.shape[1] * x.shape[2])
      let (c, p) = (x.shape[3], planes.shape[2])
      if x.precision == .bfloat16 {
        sl_append_channels_bf16(x.halves, planes.halves, y.halves, images, pixels, c, p)
      } else {
        sl_append_channels_f32(
          x.floats.baseAddress, planes.floats.baseAddress, y.floats.baseAddress, images, pixels,
          c, p)
      }
    }
  }

  public func affine(_ x: Tensor, scale: Double, offset: Double, into y: Tensor) {
    requireSame(x.shape, y.shape)
    guard x.precision == .float32, y.precision == .float32 else {
      return fallBack("affine").affine(x, scale: scale, offset: offset, into: y)
    }
    let (x, y, scale, offset) = (x.floats, y.floats, Float(scale), Float(offset))
    for i in x.indices { y[i] = scale * x[i] + offset }
  }

  public func convert(_ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    exclusively {
      switch (x.precision, y.precision) {
      case (.float32, .bfloat16): sl_f32_to_bf16(x.floats.baseAddress, y.halves, x.count)
      case (.bfloat16, .float32): sl_bf16_to_f32(x.halves, y.floats.baseAddress, x.count)
      default: y.copy(from: x)
      }
    }
  }

  public func add(_ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    exclusively {
      let x = matched(x, y.precision)
      // A pointer does not keep its tensor alive.
      defer { withExtendedLifetime(x) {} }
      if y.precision == .bfloat16 {
        sl_add_bf16(x.halves, y.halves, y.count)
      } else {
        sl_add_f32(x.floats.baseAddress, y.floats.baseAddress, y.count)
      }
    }
  }

  public func product(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    requireSame(a.shape, b.shape)
    requireSame(a.shape, y.shape)
    guard [a, b, y].allSatisfy({ $0.precision == .float32 }) else {
      return fallBack("product").product(a, b, into: y)
    }
    exclusively {
      sl_product_f32(
        a.floats.baseAddress, b.floats.baseAddress, y.floats.baseAddress, y.count)
    }
  }

  public func dropout(_ mask: DropoutMask, _ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    guard x.precision == y.precision, x.precision != .float64 else {
      return fallBack("dropout").dropout(mask, x, into: y)
    }
    var kernelMask = sl_dropout(
      key: mask.key, threshold: mask.threshold, scale: Float(mask.scale))
    exclusively {
      if x.precision == .bfloat16 {
        sl_dropout_bf16(&kernelMask, x.halves, y.halves, x.count)
      } else {
        sl_dropout_f32(&kernelMask, x.floats.baseAddress, y.floats.baseAddress, x.count)
      }
    }
  }

  public func activate(_ f: Activation, _ x: Tensor, into y: Tensor) {
    requireSame(x.shape, y.shape)
    exclusively {
      switch (f, x.precision, y.precision) {
      case (.relu, .bfloat16, .bfloat16): sl_relu_bf16(x.halves, y.halves, x.count)
      case (.relu, .float32, .float32):
        sl_relu_f32(x.floats.baseAddress, y.floats.baseAddress, x.count)
      case (.sigmoid, .float32, .float32):
        sl_sigmoid_f32(x.floats.baseAddress, y.floats.baseAddress, x.count)
      default: fallBack("activate").activate(f, x, into: y)
      }
    }
  }

  public func activationGradient(
    _ f: Activation, output y: Tensor, _ dy: Tensor, into dx: Tensor, accumulating: Bool
  ) {
    requireSame(y.shape, dy.shape)
    requireSame(y.shape, dx.shape)
    guard f == .relu, dx.precision == y.precision else {
      return fallBack("activationGradient").activationGradient(
        f, output: y, dy, into: dx, accumulating: accumulating)
    }
    exclusively {
      let gradient = matched(dy, dx.precision)
      defer { withExtendedLifetime(gradient) {} }
      if dx.precision == .bfloat16 {
        sl_relu_gradient_bf16(
          y.halves, gradient.halves, dx.halves, dx.count, accumulating ? 1 : 0)
      } else {
        sl_relu_gradient_f32(
          y.floats.baseAddress, gradient.floats.baseAddress, dx.floats.baseAddress, dx.count,
          accumulating ? 1 : 0)
      }
    }
  }
}
