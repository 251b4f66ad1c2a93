import CKernels
import COneDNN
import Tensors

extension CPUBackend {
  public func convolution(
    _ x: Tensor, rectified: Bool, weights w: Tensor, bias: Tensor,
    _ geometry: ConvolutionGeometry, adding residual: Tensor?, into y: Tensor
  ) {
    geometry.requireFit(x.shape, weights: w.shape, bias: bias.shape, y.shape)
    exclusively {
      let outputs = y.shape[3]
      if let kernel = CausalKernel(x.shape, x.precision, outputs: outputs, geometry, rectified) {
        let residual = residual.map { matched($0, y.precision) }
        kernel.convolve(x, w, bias: bias, mask: nil, adding: residual, transposed: false, into: y)
        return
      }
      let x = rectified ? self.rectified(x) : x
      if usesPatches(x, geometry), residual == nil {
        overPatches(of: x, geometry) { columns, images in
          matrixProduct(
            columns, transposed: false, patchWeights(w), transposed: true, bias: bias,
            activation: .identity, into: y.rows(images).reshaped([columns.shape[0], outputs]))
        }
        return
      }
      if let residual { convert(residual, into: y) }
      let plan = plan(
        ConvolutionKey(
          kind: .forward(accumulating: residual != nil, output: y.precision), input: x.shape,
          outputs: outputs, geometry: geometry, precision: x.precision))
      plan.convolution.run(x, plan.prepared(w), bias, y)
    }
  }

  public func convolutionInputGradient(
    _ dy: Tensor, weights w: Tensor, _ geometry: ConvolutionGeometry, rectified x: Tensor?,
    accumulating: Bool, into dx: Tensor
  ) {
    geometry.requireFit(dx.shape, weights: w.shape, bias: [dy.shape[3]], dy.shape)
    exclusively {
      let (outputs, precision) = (dy.shape[3], dx.precision)
      let dy = matched(dy, precision)
      if let kernel = CausalKernel(dx.shape, precision, outputs: outputs, geometry, false) {
        kernel.convolve(
          dy, w, bias: nil, mask: x, adding: accumulating ? dx : nil, transposed: true, into: dx)
        return
      }
      let plan = plan(
        ConvolutionKey(
          kind: .inputGradient, input: dx.shape, outputs: outputs, geometry: geometry,
          precision: precision))
      let gradient = accumulating ? Tensor(dx.shape, precision) : dx
      plan.convolution.run(dy, plan.prepared(w), gradient)
      if let x {
        activationGradient(.relu, output: x, gradient, into: dx, accumulating: accumulating)
      } else if accumulating {
        add(gradient, into: dx)
      }
    }
  }

  public func convolutionWeightGradient(
    _ dy: Tensor, input x: Tensor, rectified: Bool, _ geometry: ConvolutionGeometry,
    into dw: Tensor, bias dbias: Tensor
  ) {
    geometry.requireFit(x.shape, weights: dw.shape, bias: dbias.shape, dy.shape)
    exclusively {
      let outputs = dy.shape[3]
      if let kernel = CausalKernel(x.shape, x.precision, outputs: outputs, geometry, rectified) {
        kernel.weightGradient(matched(dy, x.precision), x, into: dw, bias: dbias)
        return
      }
      let x = rectified ? self.rectified(x) : x
      if usesPatches(x, geometry) {
        overPatches(of: x, geometry) { columns, images in
          let sum = images.lowerBound == 0 ? dw : Tensor(dw.shape, dw.precision)
          matrixProduct(
            dy.rows(images).reshaped([columns.shape[0], outputs]), transposed: true, columns,
            transposed: false, bias: nil, activation: .identity, into: patchWeights(sum))
          if images.lowerBound > 0 { add(sum, into: dw) }
        }
        sumOfRows(dy.reshaped([dy.shape.count / outputs, outputs]), into: dbias)
        return
      }
      let plan = plan(
        ConvolutionKey(
          kind: .weightGradient, input: x.shape, outputs: outputs, geometry: geometry,
          precision: x.precision))
      plan.runWeightGradient(x, matched(dy, x.precision), into: dw, bias: dbias)
    }
  }

  private func rectified(_ x: Tensor) -> Tensor {
    let y = Tensor(x.shape, x.precision)
    activate(.relu, x, into: y)
    return y
  }

  /// Whether a convolution has so few input channels that it is faster as a product over patches.
  private func usesPatches(_ x: Tensor, _ geometry: ConvolutionGeometry) -> Bool {
    x.shape[3] < 8 && geometry != .pointwise
  }

  /// Visits the patches of some images at a time: as many as two megabytes hold, which are read again before
  /// they leave the cache.
  private func overPatches(
    of x: Tensor, _ geometry: ConvolutionGeometry,
    _ visit: (_ columns: Tensor, _ images: Range<Int>) -> Void
  ) {
    let size = patchSize(x, geometry)
    let bytes = x.shape[1] * x.shape[2] * size * x.precision.byteCount
    let part = max(1, 1 << 21 / bytes)
    for first in stride(from: 0, to: x.shape[0], by: part) {
      let images = first..<min(first + part, x.shape[0])
      visit(patches(x.rows(images), geometry, stride: size), images)
    }
  }

  /// `[O, I, kh, kw]` as a matrix `[O, I kh kw]`, in the same memory.
  private func patchWeights(_ w: Tensor) -> Tensor {
    w.reshaped([w.shape[0], w.shape[1] * w.shape[2] * w.shape[3]])
  }

  private func patchSize(_ x: Tensor, _ geometry: ConvolutionGeometry) -> Int {
    x.shape[3] * geometry.height * geometry.width
  }

  /// The inputs under the kernel for each output pixel, zeros up to the stride: `[N H W, stride]`.
  func patches(_ x: Tensor, _ geometry: ConvolutionGeometry, stride: Int) -> Tensor {
    let y = Tensor([x.shape[0] * x.shape[1] * x.shape[2], stride], x.precision)
    var shape = sl_patches(
      images: x.shape[0], height: x.shape[1], width: x.shape[2], channels: x.shape[3],
      kernel_height: geometry.height, kernel_width: geometry.width, top: geometry.top,
      left: geometry.left, stride: stride)
    if x.precision == .bfloat16 {
      sl_patches_bf16(&shape, x.halves, y.halves)
    } else {
      sl_patches_f32(&shape, x.floats.baseAddress, y.floats.baseAddress)
    }
    return y
  }
}

/// Our own convolution kernels: live taps only, and no passes over memory for the ReLU before, the
/// residual after or the ReLU's gradient.
private struct CausalKernel {
  private var shape: sl_convolution

  /// nil where the processor or the channels do not allow it.
  init?(
    _ x: Shape, _ precision: Precision, outputs: Int, _ geometry: ConvolutionGeometry,
    _ rectified: Bool
  ) {
    let taps = (geometry.height - 1) * geometry.width + geometry.lastRow
    guard x[3] % 16 == 0, outputs % 16 == 0, taps <= Int(SL_MOST_TAPS),
      precision == .bfloat16 ? CPUBackend.hasBFloat16 : CPUBackend.hasAVX2
    else { return nil }
    shape = sl_convolution(
      images: x[0], height: x[1], width: x[2], inputs: x[3], outputs: outputs,
      kernel_height: geometry.height, kernel_width: geometry.width, top: geometry.top,
      left: geometry.left, last_row: geometry.lastRow, half: precision == .bfloat16 ? 1 : 0,
      relu: rectified ? 1 : 0)
  }

  /// y = (x ⋆ w + bias, zero where the mask is not positive) + residual; transposed, x is the
  /// gradient of the output and y of the input.
  func convolve(
    _ x: Tensor, _ w: Tensor, bias: Tensor?, mask: Tensor?, adding residual: Tensor?,
    transposed: Bool, into y: Tensor
  ) {
    var shape = shape
    var end = sl_epilogue(
      bias: bias?.floats.baseAddress, mask: mask?.pointer, residual: residual?.pointer,
      half: y.precision == .bfloat16 ? 1 : 0)
    let packed = bytes(sl_convolution_packed_bytes(&shape))
    let scratch = bytes(sl_convolution_scratch_bytes(&shape))
    // A pointer does not keep its tensor alive.
    defer { keepAlive(x, w, bias, mask, residual, packed, scratch) }
    sl_convolve(
      &shape, transposed ? 1 : 0, x.pointer, w.floats.baseAddress, &end, y.pointer, packed.pointer,
      scratch.pointer)
  }

  func weightGradient(_ dy: Tensor, _ x: Tensor, into dw: Tensor, bias dbias: Tensor) {
    var shape = shape
    let scratch = bytes(sl_convolution_scratch_bytes(&shape))
    defer { keepAlive(x, dy, scratch) }
    sl_convolution_weight_gradient(
      &shape, x.pointer, dy.pointer, dw.floats.baseAddress, dbias.floats.baseAddress,
      scratch.pointer)
  }

  private func bytes(_ count: Int) -> Tensor { Tensor([(count + 3) / 4], .float32) }
}
