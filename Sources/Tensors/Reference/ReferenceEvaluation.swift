import Foundation

extension PlainBackend {
  public func prepare(
    _ w: Tensor, bias: Tensor, _ geometry: ConvolutionGeometry, _ precision: Precision,
    ofImage: Bool
  ) -> ConvolutionWeights {
    ConvolutionWeights(weights: w, bias: bias, geometry, precision, packed: nil, ofImage: ofImage)
  }

  public func convolution(
    _ x: Tensor, rectified: Bool, _ w: ConvolutionWeights, adding residual: Tensor?, into y: Tensor
  ) {
    convolution(
      x, rectified: rectified, weights: w.weights, bias: w.bias, w.geometry, adding: residual,
      into: y)
  }

  /// The rows under the kernel, row r in place r mod the kernel's height, with the columns that it
  /// overhangs.
  public func memory(of w: ConvolutionWeights, images: Int, width: Int) -> ConvolutionMemory {
    ConvolutionMemory(
      rows: .zeros(
        [images, w.geometry.height, width + w.geometry.width - 1, w.inputs], w.precision),
      width: width)
  }

  public func convolution(
    of x: Tensor, rectified: Bool, _ w: ConvolutionWeights, memory: ConvolutionMemory,
    at pixel: Pixel, channels: Range<Int>, adding residual: Tensor?, into y: Tensor
  ) {
    let memory = memory.rows
    let (geometry, inputs) = (w.geometry, w.inputs)
    let (slots, columns) = (memory.shape[1], memory.shape[2])
    func place(_ n: Int, _ row: Int, _ column: Int) -> Int {
      ((n * slots + (row + slots) % slots) * columns + column + geometry.left) * inputs
    }
    for n in 0..<memory.shape[0] {
      let own = place(n, pixel.row, pixel.column)
      for i in 0..<inputs {
        let value = x.element(n * inputs + i)
        memory.set(own + i, to: rectified ? max(value, 0) : value)
      }
    }
    sums(w, at: pixel, channels: channels, adding: residual, into: y) { n, row, column in
      (memory, place(n, row, column))
    }
  }

  public func convolution(
    within images: Tensor, _ w: ConvolutionWeights, at pixel: Pixel, channels: Range<Int>,
    into y: Tensor
  ) {
    let (height, width) = (images.shape[1], images.shape[2])
    sums(w, at: pixel, channels: channels, adding: nil, into: y) { n, row, column in
      guard (0..<height).contains(row), (0..<width).contains(column) else { return nil }
      return (images, ((n * height + row) * width + column) * w.inputs)
    }
  }

  /// The sums of one pixel, in the order of the whole convolution; `input` tells where the channels of
  /// an input pixel stand, nil outside the image.
  private func sums(
    _ w: ConvolutionWeights, at pixel: Pixel, channels: Range<Int>, adding residual: Tensor?,
    into y: Tensor, _ input: (_ image: Int, _ row: Int, _ column: Int) -> (Tensor, Int)?
  ) {
    let (geometry, inputs, outputs) = (w.geometry, w.inputs, w.outputs)
    for n in 0..<y.shape[0] {
      for o in channels {
        var sum = (residual?.element(n * outputs + o) ?? 0) + w.bias.element(o)
        for v in 0..<geometry.height {
          for u in 0..<(v < geometry.height - 1 ? geometry.width : geometry.lastRow) {
            let row = pixel.row + v - geometry.top
            guard let (x, first) = input(n, row, pixel.column + u - geometry.left) else { continue }
            for i in 0..<inputs {
              let weight = ((o * inputs + i) * geometry.height + v) * geometry.width + u
              sum += x.element(first + i) * w.weights.element(weight)
            }
          }
        }
        y.set(n * outputs + o, to: sum)
      }
    }
  }

  public func product(
    _ w: ProductWeights, rows: Range<Int>, _ x: SideBySide, after sums: LeadingSums?,
    adding addend: SideBySide?, activation: Activation, into y: SideBySide
  ) {
    for row in rows {
      for n in 0..<x.images {
        var sum =
          sums.map { $0.sums.values.element($0.sums.place(row - $0.rows.lowerBound, n)) }
          ?? w.bias?.element(row) ?? 0
        for k in min(sums?.elements ?? 0, Int(w.lengths[row]))..<Int(w.lengths[row]) {
          sum += w.weights.element(row * w.weights.shape[1] + k) * x.values.element(x.place(k, n))
        }
        if let addend {
          sum += addend.values.element(addend.place(row - rows.lowerBound, n))
        }
        y.values.set(y.place(row - rows.lowerBound, n), to: activation.value(sum))
      }
    }
  }

  public func leadingSums(_ w: ProductWeights, rows: Range<Int>, _ x: SideBySide, known: Int)
    -> LeadingSums
  {
    let sums = SideBySide(elements: rows.count, images: x.images, x.precision)
    for row in rows {
      for n in 0..<x.images {
        var sum = w.bias?.element(row) ?? 0
        for k in 0..<min(known, Int(w.lengths[row])) {
          sum += w.weights.element(row * w.weights.shape[1] + k) * x.values.element(x.place(k, n))
        }
        sums.values.set(sums.place(row - rows.lowerBound, n), to: sum)
      }
    }
    return LeadingSums(rows: rows, elements: known, sums)
  }

  public func intensities(
    _ symbols: [UInt8], stride: Int, column: Int, scale: Double, offset: Double,
    into y: SideBySide, elements: Range<Int>
  ) {
    for n in 0..<y.images {
      for (i, element) in elements.enumerated() {
        y.values.set(
          y.place(element, n), to: scale * Double(symbols[n * stride + column + i]) + offset)
      }
    }
  }

  public func intensities(
    _ symbols: [UInt8], scale: Double, offset: Double, into images: Tensor, at pixel: Pixel,
    channels: Range<Int>
  ) {
    let (height, width, depth) = (images.shape[1], images.shape[2], images.shape[3])
    for n in 0..<images.shape[0] {
      let first = ((n * height + pixel.row) * width + pixel.column) * depth
      for (i, channel) in channels.enumerated() {
        images.set(
          first + channel, to: scale * Double(symbols[n * channels.count + i]) + offset)
      }
    }
  }

  public func copy(_ x: SideBySide, into y: SideBySide, from first: Int) {
    for element in 0..<x.elements {
      for n in 0..<x.images {
        y.values.set(y.place(first + element, n), to: x.values.element(x.place(element, n)))
      }
    }
  }

  public func rows(of x: SideBySide, into y: Tensor) {
    for n in 0..<x.images {
      for element in 0..<x.elements {
        y.set(n * x.elements + element, to: x.values.element(x.place(element, n)))
      }
    }
  }

  public func drawBernoulli(_ logits: Tensor, _ uniforms: [Double]) -> [UInt8]? {
    let logits = logits.values
    guard !logits.contains(where: \.isNaN) else { return nil }
    return zip(logits, uniforms).map { $1 < Activation.sigmoid.value($0) ? 1 : 0 }
  }

  public func drawCategorical(_ logits: Tensor, _ uniforms: [Double]) -> [UInt8]? {
    let levels = logits.count / uniforms.count
    let logits = logits.values
    guard !logits.contains(where: \.isNaN) else { return nil }
    return uniforms.indices.map { n in
      let row = logits[n * levels..<(n + 1) * levels]
      let total = logSumExp(row)
      var left = uniforms[n]
      for (level, logit) in row.enumerated() {
        left -= exp(logit - total)
        if left < 0 { return UInt8(level) }
      }
      // Rounding may leave a crumb behind the last level.
      return UInt8(row.lastIndex { exp($0 - total) > 0 }! - row.startIndex)
    }
  }
}
