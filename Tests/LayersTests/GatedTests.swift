import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct GatedTests {
  @Test("a gate is tanh times sigmoid of its own group's halves")
  func value() {
    let a = randomTensor([2, 1, 3, 12])
    let store = ParameterStore(seed: 1, precision: .float64)
    let gate = Gate(groups: 3, dropout: 0, at: store.root)
    let y = gate(Variable(a), in: Context(.reference)).value
    #expect(y.shape == [2, 1, 3, 6])
    for pixel in 0..<6 {
      for unit in 0..<6 {
        let t = pixel * 12 + unit / 2 * 4 + unit % 2
        let expected: Double = tanh(a.element(t)) / (1 + exp(-a.element(t + 2)))
        let found = y.element(pixel * 6 + unit)
        #expect(abs(found - expected) < 1e-15)
      }
    }
  }

  @Test("gradients", arguments: [0, 0.4])
  func gradients(_ rate: Double) {
    let a = randomParameter("a", [2, 1, 3, 12])
    let gate = Gate(
      groups: 3, dropout: rate, at: ParameterStore(seed: 1, precision: .float64).root)
    expectGradients(in: [a]) { context in
      gate(context.variable(a), in: context)
    }
  }

  @Test("gradients under dropout are those of what was kept")
  func droppedGradients() throws {
    let a = randomParameter("a", [2, 1, 3, 12])
    let gate = Gate(
      groups: 1, dropout: 0.4, at: ParameterStore(seed: 1, precision: .float64).root)
    func pass() -> (Context, Variable) {
      let context = Context(.reference, mode: .training(step: 2, seed: 3), tape: Tape())
      return (context, gate(context.variable(a), in: context))
    }
    let (context, y) = pass()
    #expect(y.value.values.contains(0) && y.value.values.contains { $0 != 0 })
    let gradient = try #require(context.gradients(of: y, seed: 1)[a])
    let expected = (0..<a.value.count).map { place in
      finiteDifference(a.value, place) { pass().1.value.values.reduce(0, +) }
    }
    expectClose(gradient.values, expected, tolerance: 1e-7, floor: 1)
  }

  @Test("a vertical stack sees the rows above and its own, all columns, and nothing below")
  func reach() {
    let layer = VerticalConvolution(
      1, 1, size: 3, at: ParameterStore(seed: 1, precision: .float64).root / "vertical")
    func pass(_ x: Tensor) -> [Double] { layer(Variable(x), in: Context(.reference)).value.values }
    let x = randomTensor([1, 4, 5, 1])
    let before = pass(x)
    for place in 0..<20 {
      let changed = randomTensor([1, 4, 5, 1])
      changed.set(place, to: 9)
      let after = pass(changed)
      let seeing = (0..<20).filter { before[$0] != after[$0] }
      let expected = (0..<20).filter { (other: Int) -> Bool in
        let (down, right) = (other / 5 - place / 5, other % 5 - place % 5)
        return (0...1).contains(down) && (-1...1).contains(right)
      }
      #expect(seeing == expected)
    }
  }
}
