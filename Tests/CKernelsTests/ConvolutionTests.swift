import CKernels
import Testing

/// A causal convolution in one precision, from and to any number of channels.
struct ConvolutionCase: CustomTestStringConvertible {
  var seed: Int
  var images, height, width, inputs, outputs, reach: Int
  var excludesCentre, half, relu, residual, halfResult: Bool

  static let all = (0..<40).map { seed in
    var draws = Draws(seed)
    // As shipped, or any.
    let whole = seed % 4 == 0
    let half = seed % 2 == 1
    return ConvolutionCase(
      seed: seed, images: draws.integer(1...17), height: draws.integer(1...7),
      width: draws.integer(1...9),
      inputs: whole ? 16 * draws.integer(1...5) : draws.integer(1...70),
      outputs: whole ? 16 * draws.integer(1...8) : draws.integer(1...140),
      reach: draws.integer(0...3), excludesCentre: seed % 5 == 0, half: half, relu: seed % 3 > 0,
      residual: seed % 7 > 3, halfResult: half && seed % 8 < 4)
  }

  var testDescription: String {
    "\(inputs) to \(outputs), reach \(reach), \(images) of \(width)x\(height), "
      + "\(half ? "bfloat16" : "float32") \(seed)"
  }

  var shape: sl_convolution {
    sl_convolution(
      images: images, height: height, width: width, inputs: inputs, outputs: outputs,
      kernel_height: reach + 1, kernel_width: 2 * reach + 1, top: reach, left: reach,
      last_row: reach + (excludesCentre && reach > 0 ? 0 : 1), half: half ? 1 : 0,
      relu: relu ? 1 : 0)
  }

  var pixels: Int { images * height * width }
}

/// The operands of a case, and what to do with them.
struct Convolution {
  let c: ConvolutionCase
  let weights, inputs: [Float]
  let x, bias, residual, packed: Memory

  init(_ c: ConvolutionCase) {
    self.c = c
    var draws = Draws(c.seed + 2000)
    var shape = c.shape
    weights = draws.floats(
      c.outputs * c.inputs * shape.kernel_height * shape.kernel_width, half: c.half)
    inputs = draws.floats(c.pixels * c.inputs, half: c.half)
    x = Memory(inputs, half: c.half)
    bias = Memory(draws.floats(c.outputs))
    residual = Memory(draws.floats(c.pixels * c.outputs, half: c.halfResult), half: c.halfResult)
    packed = Memory(bytes: sl_convolution_packed_bytes(&shape))
    sl_convolution_pack(&shape, 0, weights, packed.start)
  }

  private var size: Int { c.half ? 2 : 4 }
  private var resultSize: Int { c.halfResult ? 2 : 4 }

  /// All pixels of images from `first` on.
  func whole(threads: Int, first: Int = 0, count: Int? = nil) -> Memory {
    var shape = c.shape
    shape.images = count ?? c.images
    let pixels = c.height * c.width
    let y = Memory(bytes: shape.images * pixels * c.outputs * resultSize)
    var end = epilogue(residual.start + first * pixels * c.outputs * resultSize)
    onThreads(threads) {
      let scratch = Memory(bytes: sl_convolution_scratch_bytes(&shape))
      sl_convolve_packed(
        &shape, 0, x.start + first * pixels * c.inputs * size, packed.start, &end, y.start,
        scratch.start)
    }
    return y
  }

  /// One pixel of all images after the other, in as many calls as there are ranges of channels.
  func pixelByPixel(_ parts: [Range<Int>]) -> Memory {
    var shape = c.shape
    let memory = Memory(bytes: c.images * sl_convolution_memory_bytes(&shape))
    let y = Memory(bytes: c.pixels * c.outputs * resultSize)
    let next = Memory(bytes: c.images * c.inputs * size)
    let found = Memory(bytes: c.images * c.outputs * resultSize)
    let added = Memory(bytes: c.images * c.outputs * resultSize)
    for row in 0..<c.height {
      for column in 0..<c.width {
        func place(_ n: Int) -> Int { (n * c.height + row) * c.width + column }
        for n in 0..<c.images {
          (next.start + n * c.inputs * size).copyMemory(
            from: x.start + place(n) * c.inputs * size, byteCount: c.inputs * size)
          (added.start + n * c.outputs * resultSize).copyMemory(
            from: residual.start + place(n) * c.outputs * resultSize,
            byteCount: c.outputs * resultSize)
        }
        var end = epilogue(added.start)
        for part in parts {
          sl_convolve_pixel(
            &shape, next.start, memory.start, row, column, packed.start, &end, part.lowerBound,
            part.upperBound, found.start)
        }
        for n in 0..<c.images {
          (y.start + place(n) * c.outputs * resultSize).copyMemory(
            from: found.start + n * c.outputs * resultSize, byteCount: c.outputs * resultSize)
        }
      }
    }
    return y
  }

  private func epilogue(_ residual: UnsafeMutableRawPointer) -> sl_epilogue {
    sl_epilogue(
      bias: bias.floats, mask: nil, residual: c.residual ? UnsafeRawPointer(residual) : nil,
      half: c.halfResult ? 1 : 0)
  }

  /// One output in double precision.
  func expected(_ n: Int, _ row: Int, _ column: Int, _ o: Int) -> Double {
    let shape = c.shape
    var sum = Double(bias.floats[o])
    for v in 0..<shape.kernel_height {
      for u in 0..<(v + 1 < shape.kernel_height ? shape.kernel_width : shape.last_row) {
        let (above, before) = (row + v - c.reach, column + u - c.reach)
        guard above >= 0, before >= 0, before < c.width else { continue }
        for i in 0..<c.inputs {
          let value = inputs[((n * c.height + above) * c.width + before) * c.inputs + i]
          sum +=
            Double(c.relu ? max(value, 0) : value)
            * Double(
              weights[((o * c.inputs + i) * shape.kernel_height + v) * shape.kernel_width + u])
        }
      }
    }
    let place = ((n * c.height + row) * c.width + column) * c.outputs + o
    return sum + (c.residual ? Double(residual.number(place, half: c.halfResult)) : 0)
  }
}

@Suite struct Convolutions {
  @Test(arguments: ConvolutionCase.all)
  func agreesWithSumsInDoublePrecision(_ c: ConvolutionCase) {
    let convolution = Convolution(c)
    let y = convolution.whole(threads: 2)
    var worst = 0.0
    for n in Set([0, c.images - 1]) {
      for row in 0..<c.height {
        for column in 0..<c.width {
          for o in 0..<c.outputs {
            let expected = convolution.expected(n, row, column, o)
            let place = ((n * c.height + row) * c.width + column) * c.outputs + o
            let found = Double(y.number(place, half: c.halfResult))
            worst = max(worst, abs(found - expected) / max(1, abs(expected)))
          }
        }
      }
    }
    #expect(worst < (c.halfResult ? 0x1p-8 : 1e-4))
  }

  @Test(arguments: ConvolutionCase.all)
  func givesTheSameBitsPixelByPixel(_ c: ConvolutionCase) {
    let convolution = Convolution(c)
    let whole = convolution.whole(threads: 1)
    #expect(convolution.whole(threads: 2).isSame(whole))
    #expect(convolution.pixelByPixel([0..<c.outputs]).isSame(whole))
    // As colours do, a group of channels after the other.
    let third = c.outputs / 3
    #expect(
      convolution.pixelByPixel([0..<third, third..<2 * third, 2 * third..<c.outputs])
        .isSame(whole))
  }

  @Test(arguments: ConvolutionCase.all)
  func givesAnImageTheSameBitsAloneAndAmongOthers(_ c: ConvolutionCase) {
    let convolution = Convolution(c)
    let whole = convolution.whole(threads: 2).contents
    let bytes = whole.count / c.images
    for n in Set([0, c.images / 2, c.images - 1]) {
      let alone = convolution.whole(threads: 1, first: n, count: 1).contents
      #expect(alone == Array(whole[n * bytes..<(n + 1) * bytes]))
    }
  }

  @Test(arguments: [1, 3], [false, true])
  func aPatchIsTheSamePixelByPixel(_ channels: Int, half: Bool) {
    let (images, height, width, reach) = (3, 5, 6, 2)
    let area = channels * (reach + 1) * (2 * reach + 1)
    var shape = sl_patches(
      images: images, height: height, width: width, channels: channels, kernel_height: reach + 1,
      kernel_width: 2 * reach + 1, top: reach, left: reach, stride: (area + 15) / 16 * 16)
    let size = half ? 2 : 4
    var draws = Draws(channels)
    let x = Memory(draws.floats(images * height * width * channels, half: half), half: half)
    let whole = Memory(bytes: images * height * width * shape.stride * size)
    if half {
      sl_patches_bf16(&shape, x.halves, whole.halves)
    } else {
      sl_patches_f32(&shape, x.floats, whole.floats)
    }
    let next = Memory(bytes: images * shape.stride * size)
    let row = shape.stride * size
    for place in 0..<height * width {
      sl_patch_pixel(&shape, x.start, half ? 1 : 0, place / width, place % width, next.start)
      for n in 0..<images {
        #expect(
          next.contents[n * row..<(n + 1) * row].elementsEqual(
            whole.contents[
              (n * height * width + place) * row..<(n * height * width + place + 1) * row]))
      }
    }
    // The centre of the last patch's last row is its own pixel.
    let centre = (reach * (2 * reach + 1)) + reach
    #expect(
      next.number((images - 1) * shape.stride + centre, half: half)
        == x.number((images * height * width - 1) * channels, half: half))
  }
}
