import Tensors
import TestSupport
import Testing

@Suite struct Tapes {
  let context = Context(.reference, tape: Tape())

  @Test("masked elements of a parameter get exactly no gradient, live ones all of theirs")
  func parameterMask() throws {
    let mask = Tensor([2, 3], .float64, values: [1, 0, 1, 0, 0, 1])
    let w = randomParameter("w", [2, 3], mask: mask)
    let x = Variable(Tensor([1, 3], .float64, values: [2, 3, 4]))
    let y = context.linear(x, context.variable(w), nil)
    let gradient = try #require(context.gradients(of: y, seed: 1)[w])
    #expect(gradient.values == [2, 0, 4, 0, 0, 4])
    #expect(w.count == 3)
  }

  @Test func twoUsesOfAParameterAddUp() throws {
    let w = randomParameter("w", [1, 2])
    let y = context.sum(
      context.linear(
        Variable(Tensor([1, 2], .float64, values: [2, 3])), context.variable(w), nil),
      context.linear(
        Variable(Tensor([1, 2], .float64, values: [10, 20])), context.variable(w), nil))
    let gradient = try #require(context.gradients(of: y, seed: 0.5)[w])
    #expect(gradient.values == [6, 11.5])
  }

  @Test func aParameterThatTheOutputIgnoresHasNoGradient() {
    let used = randomParameter("used", [1, 2])
    let ignored = randomParameter("ignored", [1, 2])
    _ = context.activate(.relu, context.variable(ignored))
    let gradients = context.gradients(
      of: context.activate(.sigmoid, context.variable(used)), seed: 1)
    #expect(gradients[used] != nil)
    #expect(gradients[ignored] == nil)
    #expect(gradients[randomParameter("never seen", [1])] == nil)
  }

  @Test("taking a gradient leaves the tape empty: the next one starts anew")
  func reuse() throws {
    let w = randomParameter("w", [1, 2])
    func gradient(_ x: [Double]) throws -> [Double] {
      let x = Variable(Tensor([1, 2], .float64, values: x))
      let y = context.linear(x, context.variable(w), nil)
      return try #require(context.gradients(of: y, seed: 1)[w]).values
    }
    #expect(try gradient([1, 2]) == [1, 2])
    #expect(try gradient([3, 4]) == [3, 4])
  }

  @Test("a residual keeps its value")
  func inference() {
    let context = Context(.reference)
    let stream = Variable(Tensor([1, 1, 1, 1], .float64, values: [5]))
    let y = context.convolution(
      Variable(Tensor([1, 1, 1, 1], .float64, values: [2])),
      context.variable(
        Parameter(name: "w", value: Tensor([1, 1, 1, 1], .float64, values: [3]), decays: true)),
      Variable(Tensor([1], .float64, values: [7])), .pointwise, adding: stream)
    #expect(stream.value.values == [5])
    #expect(y.value.values == [18])
  }
}
