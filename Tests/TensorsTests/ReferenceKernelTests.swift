import Foundation
import Tensors
import TestSupport
import Testing

/// The reference against numbers worked out by hand, so that what all else is measured by stands on
/// its own feet.
@Suite struct ReferenceKernels {
  let backend = ReferenceBackend()

  private func tensor(_ shape: Shape, _ values: [Double]) -> Tensor {
    Tensor(shape, .float64, values: values)
  }

  /// The image 1 2 / 3 4 under the kernel 10 20 / 30 40, whose last weight lies on the pixel itself.
  @Test func convolution() {
    let geometry = ConvolutionGeometry(height: 2, width: 2, top: 1, bottom: 0, left: 1, right: 0)
    let x = tensor([1, 2, 2, 1], [1, 2, 3, 4])
    let w = tensor([1, 1, 2, 2], [10, 20, 30, 40])
    let y = Tensor([1, 2, 2, 1], .float64)
    backend.convolution(
      x, rectified: false, weights: w, bias: tensor([1], [5]), geometry,
      adding: tensor([1, 2, 2, 1], [1000, 0, 0, 0]), into: y)
    #expect(y.values == [1045, 115, 145, 305])

    let ones = tensor([1, 2, 2, 1], [1, 1, 1, 1])
    let dx = tensor([1, 2, 2, 1], [1000, 0, 0, 0])
    backend.convolutionInputGradient(
      ones, weights: w, geometry, rectified: nil, accumulating: true, into: dx)
    #expect(dx.values == [1100, 60, 70, 40])
    let dw = Tensor([1, 1, 2, 2], .float64)
    let dbias = Tensor([1], .float64)
    backend.convolutionWeightGradient(
      ones, input: x, rectified: false, geometry, into: dw, bias: dbias)
    #expect(dw.values == [1, 3, 4, 10])
    #expect(dbias.values == [4])
  }

  /// The same kernel over 1 −2 / 3 4: the −2 counts as 0, and nothing flows back to it.
  @Test func rectifiedConvolution() {
    let geometry = ConvolutionGeometry(height: 2, width: 2, top: 1, bottom: 0, left: 1, right: 0)
    let x = tensor([1, 2, 2, 1], [1, -2, 3, 4])
    let w = tensor([1, 1, 2, 2], [10, 20, 30, 40])
    let y = Tensor([1, 2, 2, 1], .float64)
    backend.convolution(
      x, rectified: true, weights: w, bias: tensor([1], [0]), geometry, adding: nil, into: y)
    #expect(y.values == [40, 30, 140, 260])
    let ones = tensor([1, 2, 2, 1], [1, 1, 1, 1])
    let dx = Tensor([1, 2, 2, 1], .float64)
    backend.convolutionInputGradient(
      ones, weights: w, geometry, rectified: x, accumulating: false, into: dx)
    #expect(dx.values == [100, 0, 70, 40])
    let dw = Tensor([1, 1, 2, 2], .float64)
    backend.convolutionWeightGradient(
      ones, input: x, rectified: true, geometry, into: dw, bias: Tensor([1], .float64))
    #expect(dw.values == [1, 1, 4, 8])
  }

  /// Of the last row only the first weight is live.
  @Test func croppedConvolution() {
    let geometry = ConvolutionGeometry(
      height: 2, width: 2, top: 1, bottom: 0, left: 1, right: 0, lastRow: 1)
    let x = tensor([1, 2, 2, 1], [1, 2, 3, 4])
    let y = Tensor([1, 2, 2, 1], .float64)
    backend.convolution(
      x, rectified: false, weights: tensor([1, 1, 2, 2], [10, 20, 30, 0]), bias: tensor([1], [0]),
      geometry, adding: nil, into: y)
    #expect(y.values == [0, 30, 20, 140])
  }

  /// Two channels in, two out: a weight stands at [out, in, row, column].
  @Test func convolutionOfChannels() {
    let y = Tensor([1, 1, 1, 2], .float64)
    backend.convolution(
      tensor([1, 1, 1, 2], [2, 3]), rectified: false,
      weights: tensor([2, 2, 1, 1], [1, 10, 100, 1000]), bias: tensor([2], [0, 0.5]), .pointwise,
      adding: nil, into: y)
    #expect(y.values == [32, 3200.5])
  }

  @Test func matrixProduct() {
    // op(a) = 1 2 / 3 4 / 5 6, op(b) = 1 0 2 / 0 1 3.
    let product = [1.0, 2, 8, 3, 4, 18, 5, 6, 28]
    for (aT, a) in [
      (false, tensor([3, 2], [1, 2, 3, 4, 5, 6])), (true, tensor([2, 3], [1, 3, 5, 2, 4, 6])),
    ] {
      for (bT, b) in [
        (false, tensor([2, 3], [1, 0, 2, 0, 1, 3])), (true, tensor([3, 2], [1, 0, 0, 1, 2, 3])),
      ] {
        let c = Tensor([3, 3], .float64)
        backend.matrixProduct(
          a, transposed: aT, b, transposed: bT, bias: nil, activation: .identity, into: c)
        #expect(c.values == product)
        backend.matrixProduct(
          a, transposed: aT, b, transposed: bT, bias: tensor([3], [-4, 10, -9]), activation: .relu,
          into: c)
        #expect(c.values == [0, 12, 0, 0, 14, 9, 1, 16, 19])
      }
    }
    let sums = Tensor([2], .float64)
    backend.sumOfRows(tensor([3, 2], [1, 2, 3, 4, 5, 6]), into: sums)
    #expect(sums.values == [9, 12])
  }

  @Test func activations() {
    let y = Tensor([3], .float64)
    backend.activate(.relu, tensor([3], [-2, 0, 3]), into: y)
    #expect(y.values == [0, 0, 3])
    backend.activate(.sigmoid, tensor([3], [0, log(3), -1000]), into: y)
    expectClose(y.values, [0.5, 0.75, 0], tolerance: 1e-15)
    let dx = tensor([3], [1, 1, 1])
    backend.activationGradient(
      .sigmoid, output: y, tensor([3], [8, 16, 1]), into: dx, accumulating: true)
    expectClose(dx.values, [3, 4, 1], tolerance: 1e-15)
  }

  /// A softplus that overflows would give −∞ or not a number.
  @Test func bernoulliWithHugeLogits() {
    let logits = tensor([6], [1000, 1000, -1000, -1000, 0, log(3)])
    let y = Tensor([6], .float64)
    let symbols: [UInt8] = [1, 0, 1, 0, 1, 0]
    backend.bernoulliLogProbability(logits, symbols, into: y)
    expectClose(y.values, [0, -1000, -1000, 0, -log(2), -log(4)], tolerance: 1e-16)
    backend.bernoulliGradient(tensor([6], [1, 1, 1, 1, 4, 4]), logits, symbols, into: y)
    expectClose(y.values, [0, -1, 1, 0, 2, -3], tolerance: 1e-15)
  }

  /// log Σ exp by its definition would overflow.
  @Test func categoricalWithHugeLogits() {
    let logits = tensor([4, 3], [1e4, 1e4, -1e4, 0, 0, log(2), -1e4, -1e4, -1e4, 5e3, 0, -5e3])
    let symbols: [UInt8] = [1, 2, 0, 2]
    let y = Tensor([4], .float64)
    backend.categoricalLogProbability(logits, symbols, into: y)
    expectClose(y.values, [-log(2), -log(2), -log(3), -1e4], tolerance: 1e-16)
    let gradient = Tensor([4, 3], .float64)
    backend.categoricalGradient(tensor([4], [2, 4, 3, 1]), logits, symbols, into: gradient)
    expectClose(
      gradient.values, [-1, 1, 0, -1, -1, 2, 2, -1, -1, -1, 0, 1], tolerance: 1e-12)
  }

  /// The first step has the size of the learning rate whatever the gradient's.
  @Test func adamW() {
    var step = AdamWStep(learningRate: 0.1, step: 1, averageDecay: 0.9)
    step.weightDecay = 0.01
    step.gradientScale = 0.5
    let w = tensor([2], [1, -2])
    let (m, v, average) = (tensor([2], [0, 0]), tensor([2], [0, 0]), tensor([2], [1, -2]))
    backend.adamW(
      step, weights: w, gradient: tensor([2], [1, -4]), first: m, second: v, average: average,
      copy: nil, nil)
    expectClose(m.values, [0.05, -0.2], tolerance: 1e-14)
    expectClose(v.values, [0.000_25, 0.004], tolerance: 1e-14)
    // 1 − 0.1 (1 + 0.01 · 1) and −2 − 0.1 (−1 + 0.01 · −2)
    expectClose(w.values, [0.899, -1.898], tolerance: 1e-8)
    expectClose(average.values, [0.9899, -1.9898], tolerance: 1e-8)

    // m = 0.9 · 0.05 + 0.1 · 0 = 0.045, v = 0.999 · 0.00025; corrections 0.19 and 0.001999.
    step.step = 2
    backend.adamW(
      step, weights: w, gradient: tensor([2], [0, 0]), first: m, second: v, average: average,
      copy: nil, nil)
    let direction = 0.045 / 0.19 / (0.000_249_75 / 0.001_999).squareRoot()
    expectClose([w.element(0)], [0.899 - 0.1 * (direction + 0.00899)], tolerance: 1e-7)
  }

  /// A step is along the orthogonal matrix nearest to the gradient, of a root mean square about the
  /// learning rate: of one of orthogonal rows, whatever their lengths, the rows brought to one length.
  @Test func muon() {
    let w = tensor([2, 4], [1, 0, 0, 0, 0, 0, 0, 1])
    let m = tensor([2, 4], [Double](repeating: 0, count: 8))
    let average = tensor([2, 4], [1, 0, 0, 0, 0, 0, 0, 1])
    var step = MuonStep(learningRate: 0.1, averageDecay: 0.5)
    step.weightDecay = 1
    // Rows (1, 1, 1, 1) / 2 and (1, −1, 1, −1), of lengths 1 and 2.
    let gradient = tensor([2, 4], [0.5, 0.5, 0.5, 0.5, 1, -1, 1, -1])
    backend.muon(
      step, [MuonMatrix(weights: w, gradient: gradient, momentum: m, average: average)])
    expectClose(m.values, gradient.values.map { 0.05 * $0 }, tolerance: 1e-14)
    // The turns move a singular value by itself: here the share of its row's length in the norm.
    func turned(_ value: Double) -> Double {
      (0..<5).reduce(value) { x, _ in 3.4445 * x - 4.775 * pow(x, 3) + 2.0315 * pow(x, 5) }
    }
    // What is turned is 0.95 · 0.05 + 0.05 times the gradient, a hair less than brought to a norm of 1.
    let norm = 0.0975 * 5.0.squareRoot()
    let values = [1.0, 2].map { turned(0.0975 * $0 / (norm + 1e-7)) }
    #expect(values.allSatisfy { (0.66...1.2).contains($0) })
    // A row's elements are ± half of it; a step is the root of the longer side as long.
    let kept = [0.9, 0, 0, 0, 0, 0, 0, 0.9]
    let signs: [Double] = [1, 1, 1, 1, 1, -1, 1, -1]
    let moved = (0..<8).map { (i: Int) -> Double in
      let direction: Double = signs[i] * values[i / 4] / 2
      return kept[i] - 0.1 * 2 * direction
    }
    expectClose(w.values, moved, tolerance: 1e-12)
    expectClose(
      average.values, zip([1, 0, 0, 0, 0, 0, 0, 1], w.values).map { ($0 + $1) / 2 },
      tolerance: 1e-14)
  }

  @Test func plainPointwise() {
    let y = Tensor([3], .float64)
    backend.intensities([0, 1, 255], scale: 2, offset: -1, into: y)
    #expect(y.values == [-1, 1, 509])
    backend.add(tensor([3], [1, 2, 3]), into: y)
    #expect(y.values == [0, 3, 512])
    backend.product(tensor([3], [1, 2, 3]), tensor([3], [4, 5, 6]), into: y)
    #expect(y.values == [4, 10, 18])
    #expect(backend.sumOfSquares(y, nil) == 440)
    // Two images of two pixels of one channel, and two channels that all images share.
    let wide = Tensor([2, 1, 2, 3], .float64)
    backend.appendChannels(
      tensor([1, 2, 2], [10, 20, 30, 40]), to: tensor([2, 1, 2, 1], [1, 2, 3, 4]), into: wide)
    #expect(wide.values == [1, 10, 20, 2, 30, 40, 3, 10, 20, 4, 30, 40])
    let half = Tensor([3], .bfloat16)
    backend.convert(tensor([3], [1, 1 + 0x1p-8, -3]), into: half)
    #expect(half.values == [1, 1, -3])
  }
}
