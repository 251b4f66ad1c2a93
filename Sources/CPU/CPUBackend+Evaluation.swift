import CKernels
import Tensors

/// Kernels that know no way back: weights are prepared once, and the sums of one sub-pixel are those of
/// all, in the same order.
extension CPUBackend {
  public func prepare(
    _ w: Tensor, bias: Tensor, _ geometry: ConvolutionGeometry, _ precision: Precision,
    ofImage: Bool
  ) -> ConvolutionWeights {
    var shape = kernelShape(
      images: 0, height: 1, width: 1, w, geometry, precision, rectified: false)
    var weights = w
    if ofImage {
      // As the pointwise convolution of patches that it is.
      shape = shape.asPatches
      weights = Tensor.zeros([w.shape[0], shape.inputs], .float32)
      weights.setColumns(from: 0, to: w.reshaped([w.shape[0], w.count / w.shape[0]]))
    }
    let packed = bytes(sl_convolution_packed_bytes(&shape))
    exclusively { sl_convolution_pack(&shape, 0, weights.floats.baseAddress, packed.pointer) }
    withExtendedLifetime(weights) {}
    return ConvolutionWeights(
      weights: w, bias: bias, geometry, precision, packed: packed, ofImage: ofImage)
  }

  public func convolution(
    _ x: Tensor, rectified: Bool, _ w: ConvolutionWeights, adding residual: Tensor?, into y: Tensor
  ) {
    w.geometry.requireFit(x.shape, weights: w.weights.shape, bias: w.bias.shape, y.shape)
    exclusively {
      let (h, width) = (x.shape[1], x.shape[2])
      var shape = kernelShape(
        images: x.shape[0], height: h, width: width, w.weights, w.geometry, w.precision,
        rectified: rectified)
      var source = x
      if w.ofImage {
        precondition(!rectified, "the first layer sees the image as it is")
        shape = shape.asPatches
        source = patches(x, w.geometry, stride: shape.inputs)
      }
      run(shape, w, residual, y) { shape, end, scratch in
        sl_convolve_packed(
          &shape, 0, source.pointer, w.first.packed!, &end, y.pointer, scratch)
      }
      withExtendedLifetime(source) {}
    }
  }

  public func memory(of w: ConvolutionWeights, images: Int, width: Int) -> ConvolutionMemory {
    var shape = kernelShape(
      images: images, height: w.geometry.height, width: width, w.weights, w.geometry, w.precision,
      rectified: false)
    return ConvolutionMemory(
      rows: .zeros([images, sl_convolution_memory_bytes(&shape) / 4], .float32), width: width)
  }

  public func convolution(
    of x: Tensor, rectified: Bool, _ w: ConvolutionWeights, memory: ConvolutionMemory,
    at pixel: Pixel, channels: Range<Int>, adding residual: Tensor?, into y: Tensor
  ) {
    var shape = kernelShape(
      images: x.shape[0], height: pixel.row + 1, width: memory.width, w.weights, w.geometry,
      w.precision, rectified: rectified)
    var end = epilogue(w, residual, y)
    sl_convolve_pixel(
      &shape, x.pointer, memory.rows.pointer, pixel.row, pixel.column, w.first.packed!, &end,
      channels.lowerBound, channels.upperBound, y.pointer)
    keepAlive(x, w, memory, residual, y)
  }

  public func convolution(
    within images: Tensor, _ w: ConvolutionWeights, at pixel: Pixel, channels: Range<Int>,
    into y: Tensor
  ) {
    let (n, h, width, inputs) = (
      images.shape[0], images.shape[1], images.shape[2], images.shape[3]
    )
    var shape = kernelShape(
      images: n, height: h, width: width, w.weights, w.geometry, w.precision, rectified: false
    ).asPatches
    var patch = sl_patches(
      images: n, height: h, width: width, channels: inputs, kernel_height: w.geometry.height,
      kernel_width: w.geometry.width, top: w.geometry.top, left: w.geometry.left,
      stride: shape.inputs)
    let x = Tensor([n, shape.inputs], w.precision)
    sl_patch_pixel(
      &patch, images.pointer, w.precision == .bfloat16 ? 1 : 0, pixel.row, pixel.column, x.pointer)
    var end = epilogue(w, nil, y)
    sl_convolve_pixel(
      &shape, x.pointer, nil, 0, 0, w.first.packed!, &end, channels.lowerBound,
      channels.upperBound, y.pointer)
    keepAlive(x, w, images, y)
  }

  // MARK: Images side by side

  public func product(
    _ w: ProductWeights, rows: Range<Int>, _ x: SideBySide, after sums: LeadingSums?,
    adding addend: SideBySide?, activation: Activation, into y: SideBySide
  ) {
    guard !rows.isEmpty else { return }
    guard activation != .sigmoid else {
      return fallBack("product(sigmoid)").product(
        w, rows: rows, x, after: sums, adding: addend, activation: activation, into: y)
    }
    withShape(w, rows, x, activation, y.precision) { shape in
      guard let sums, sums.elements > 0 else {
        return sl_multiply(
          &shape, 0, rows.count, x.values.pointer, addend?.values.floats.baseAddress,
          y.values.pointer, x.lanes)
      }
      let words = x.precision == .bfloat16 ? sums.elements / 2 : sums.elements
      sl_multiply_after(
        &shape, 0, rows.count, x.values.pointer, addend?.values.floats.baseAddress,
        y.values.pointer, x.lanes, words,
        sums.sums.values.floats.baseAddress! + (rows.lowerBound - sums.rows.lowerBound) * x.lanes)
    }
    keepAlive(w, x, sums, addend, y)
  }

  public func leadingSums(_ w: ProductWeights, rows: Range<Int>, _ x: SideBySide, known: Int)
    -> LeadingSums
  {
    let sums = SideBySide(elements: rows.count, images: x.images, .float32)
    let run = Int(SL_PRODUCT_RUN) * (x.precision == .bfloat16 ? 2 : 1)
    let elements = known / run * run
    if elements > 0 {
      withShape(w, rows, x, .identity, .float32) { shape in
        sl_multiply_leading(
          &shape, 0, rows.count, x.values.pointer, sums.values.floats.baseAddress, x.lanes,
          elements / run * Int(SL_PRODUCT_RUN))
      }
    }
    keepAlive(w, x, sums)
    return LeadingSums(rows: rows, elements: elements, sums)
  }

  /// Rows of a matrix, counted from the first that is asked for.
  private func withShape(
    _ w: ProductWeights, _ rows: Range<Int>, _ x: SideBySide, _ activation: Activation,
    _ result: Precision, _ body: (inout sl_product) -> Void
  ) {
    let (precision, stride) = (w.weights.precision, w.weights.shape[1])
    exclusively {
      w.lengths.withUnsafeBufferPointer { lengths in
        var shape = sl_product(
          rows: rows.count, columns: min(x.elements, stride), stride: stride,
          weights: w.first.weights + rows.lowerBound * stride * precision.byteCount,
          bias: w.first.bias.map {
            UnsafePointer($0.assumingMemoryBound(to: Float.self) + rows.lowerBound)
          },
          lengths: lengths.baseAddress! + rows.lowerBound,
          half: precision == .bfloat16 ? 1 : 0, relu: activation == .relu ? 1 : 0,
          half_result: result == .bfloat16 ? 1 : 0)
        body(&shape)
      }
    }
  }

  public func intensities(
    _ symbols: [UInt8], stride: Int, column: Int, scale: Double, offset: Double,
    into y: SideBySide, elements: Range<Int>
  ) {
    exclusively {
      sl_lanes_of_symbols(
        symbols, y.images, stride, column, elements.count, Float(scale), Float(offset),
        y.precision == .bfloat16 ? 1 : 0, y.values.pointer, elements.lowerBound, y.lanes)
    }
  }

  public func intensities(
    _ symbols: [UInt8], scale: Double, offset: Double, into images: Tensor, at pixel: Pixel,
    channels: Range<Int>
  ) {
    let depth = images.shape[3]
    let size = images.shape[1] * images.shape[2] * depth
    let first = (pixel.row * images.shape[2] + pixel.column) * depth + channels.lowerBound
    // By the kernel for all of them, which rounds in its own way.
    let values = Tensor([symbols.count], images.precision)
    intensities(symbols, scale: scale, offset: offset, into: values)
    let bytes = images.precision.byteCount
    for n in 0..<images.shape[0] {
      (images.pointer + (n * size + first) * bytes).copyMemory(
        from: values.pointer + n * channels.count * bytes, byteCount: channels.count * bytes)
    }
    keepAlive(values, images)
  }

  public func copy(_ x: SideBySide, into y: SideBySide, from first: Int) {
    precondition(x.lanes == y.lanes && first + x.elements <= y.elements, "no room for the elements")
    exclusively {
      if y.precision == .bfloat16 {
        sl_halves_of_lanes(
          x.values.floats.baseAddress, x.elements, first, y.elements, y.values.halves, x.lanes)
      } else {
        (y.values.floats.baseAddress! + first * y.lanes).update(
          from: x.values.floats.baseAddress!, count: x.elements * x.lanes)
      }
    }
    keepAlive(x, y)
  }

  public func rows(of x: SideBySide, into y: Tensor) {
    exclusively {
      sl_rows_of_lanes(
        x.values.floats.baseAddress, x.elements, x.lanes, x.images, y.floats.baseAddress,
        x.elements)
    }
    keepAlive(x, y)
  }

  // MARK: Drawing

  public func drawBernoulli(_ logits: Tensor, _ uniforms: [Double]) -> [UInt8]? {
    draw(uniforms) { sl_draw_bernoulli(logits.floats.baseAddress, uniforms, $0, uniforms.count) }
  }

  public func drawCategorical(_ logits: Tensor, _ uniforms: [Double]) -> [UInt8]? {
    draw(uniforms) {
      sl_draw_categorical(
        logits.floats.baseAddress, uniforms, $0, uniforms.count, logits.count / uniforms.count)
    }
  }

  /// nil where the kernel counted a row that is not finite.
  func draw(
    _ uniforms: [Double], _ kernel: (UnsafeMutablePointer<UInt8>) -> Int
  ) -> [UInt8]? {
    var bad = 0
    let symbols = [UInt8](unsafeUninitializedCapacity: uniforms.count) { buffer, count in
      bad = kernel(buffer.baseAddress!)
      count = uniforms.count
    }
    return bad == 0 ? symbols : nil
  }

  // MARK: Shapes

  private func kernelShape(
    images: Int, height: Int, width: Int, _ w: Tensor, _ geometry: ConvolutionGeometry,
    _ precision: Precision, rectified: Bool
  ) -> sl_convolution {
    sl_convolution(
      images: images, height: height, width: width, inputs: w.shape[1], outputs: w.shape[0],
      kernel_height: geometry.height, kernel_width: geometry.width, top: geometry.top,
      left: geometry.left, last_row: geometry.lastRow, half: precision == .bfloat16 ? 1 : 0,
      relu: rectified ? 1 : 0)
  }

  private func epilogue(_ w: ConvolutionWeights, _ residual: Tensor?, _ y: Tensor) -> sl_epilogue {
    precondition(
      residual.map { $0.precision == y.precision } ?? true, "a residual of another precision")
    return sl_epilogue(
      bias: w.first.bias.assumingMemoryBound(to: Float.self), mask: nil,
      residual: residual?.pointer,
      half: y.precision == .bfloat16 ? 1 : 0)
  }

  private func run(
    _ shape: sl_convolution, _ w: ConvolutionWeights, _ residual: Tensor?, _ y: Tensor,
    _ body: (inout sl_convolution, inout sl_epilogue, UnsafeMutableRawPointer) -> Void
  ) {
    var shape = shape
    var end = epilogue(w, residual, y)
    let scratch = bytes(sl_convolution_scratch_bytes(&shape))
    body(&shape, &end, scratch.pointer)
    keepAlive(w, residual, y, scratch)
  }

  func bytes(_ count: Int) -> Tensor { Tensor([(count + 3) / 4], .float32) }
}

extension sl_convolution {
  /// The same sums as a pointwise convolution of patches, a multiple of 16 inputs wide.
  fileprivate var asPatches: sl_convolution {
    var shape = self
    shape.inputs = (inputs * kernel_height * kernel_width + 15) / 16 * 16
    (shape.kernel_height, shape.kernel_width, shape.top, shape.left, shape.last_row) = (
      1, 1, 0, 0, 1
    )
    return shape
  }
}
