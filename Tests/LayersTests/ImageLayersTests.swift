import Layers
import Tensors
import TestSupport
import Testing

/// Layers of networks that are told whole images.
@Suite struct ImageLayersTests {
  @Test("folding puts each square's pixels side by side, zeros beyond the edge")
  func folding() {
    let x = randomTensor([2, 3, 5, 2])
    let y = Context(.reference).folded(Variable(x)).value
    #expect(y.shape == [2, 2, 3, 8])
    for n in 0..<2 {
      for (row, column) in [(0, 0), (1, 1), (0, 2), (1, 2)] {
        for quarter in 0..<4 {
          let (r, c) = (2 * row + quarter / 2, 2 * column + quarter % 2)
          for channel in 0..<2 {
            let found = y.element(((n * 2 + row) * 3 + column) * 8 + quarter * 2 + channel)
            let expected =
              r < 3 && c < 5 ? x.element(((n * 3 + r) * 5 + c) * 2 + channel) : 0
            #expect(found == expected)
          }
        }
      }
    }
  }

  @Test("the mean over pixels is each channel's")
  func mean() {
    let x = randomTensor([2, 3, 2, 3])
    let y = Context(.reference).meanOverPixels(Variable(x)).value
    #expect(y.shape == [2, 3])
    for n in 0..<2 {
      for channel in 0..<3 {
        let sum = (0..<6).reduce(0) { $0 + x.element((n * 6 + $1) * 3 + channel) }
        #expect(abs(y.element(n * 3 + channel) - sum / 6) < 1e-15)
      }
    }
  }

  @Test("gradients of folding and of the mean")
  func gradients() {
    let x = randomParameter("x", [2, 3, 5, 2])
    expectGradients(in: [x]) { $0.folded($0.variable(x)) }
    expectGradients(in: [x]) { $0.meanOverPixels($0.variable(x)) }
  }

  @Test("a convolution sees all around its pixel: its value and gradients")
  func convolution() {
    let store = ParameterStore(seed: 2, precision: .float64)
    let layer = Convolution(2, 3, size: 3, at: store.root / "layer")
    let x = randomParameter("x", [2, 4, 3, 2])
    let y = layer(Variable(x.value), in: Context(.reference)).value
    for row in 0..<4 {
      for column in 0..<3 {
        for o in 0..<3 {
          var sum = layer.bias.value.element(o)
          for i in 0..<2 {
            for dy in 0..<3 {
              for dx in 0..<3 {
                let (r, c) = (row + dy - 1, column + dx - 1)
                guard (0..<4).contains(r), (0..<3).contains(c) else { continue }
                sum +=
                  layer.weight.value.element(((o * 2 + i) * 3 + dy) * 3 + dx)
                  * x.value.element(((4 + r) * 3 + c) * 2 + i)
              }
            }
          }
          #expect(abs(y.element(((4 + row) * 3 + column) * 3 + o) - sum) < 1e-13)
        }
      }
    }
    expectGradients(in: [x] + store.parameters) {
      layer($0.variable(x), rectified: true, in: $0)
    }
  }

  @Test("where weights are constants a gradient reaches the pixels alone, and the same")
  func constantWeights() throws {
    let store = ParameterStore(seed: 2, precision: .float64)
    let layer = Convolution(2, 3, size: 3, at: store.root / "layer")
    let dense = Dense(3, 2, at: store.root / "dense")
    let pixels = randomParameter("pixels", [2, 4, 3, 2])
    func gradients(constant: Bool) -> Gradients {
      let context = Context(
        .reference, tape: Tape(), pixels: pixels, weightsAreConstant: constant)
      let x = layer(context.variable(pixels), in: context)
      let y = dense(context.meanOverPixels(x), last: true, in: context)
      return context.gradients(of: y, seed: 1)
    }
    let (all, own) = (gradients(constant: false), gradients(constant: true))
    for parameter in store.parameters {
      #expect(all[parameter] != nil && own[parameter] == nil, "\(parameter.name)")
    }
    #expect(try #require(own[pixels]).values == #require(all[pixels]).values)
  }
}
