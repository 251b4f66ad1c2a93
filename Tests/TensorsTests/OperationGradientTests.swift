import Tensors
import TestSupport
import Testing

/// Every operation's pullback against finite differences, in double, by every input that can have a
/// gradient.
@Suite struct OperationGradients {
  static let activations: [Activation] = [.identity, .relu, .sigmoid]

  /// A causal crop of a 3×3 and of a 7×7 kernel, a lone weight, and a kernel that overhangs on all
  /// sides differently.
  static let geometries = [
    ConvolutionGeometry.pointwise,
    ConvolutionGeometry(height: 2, width: 3, top: 1, bottom: 0, left: 1, right: 1),
    ConvolutionGeometry(height: 4, width: 7, top: 3, bottom: 0, left: 3, right: 3),
    ConvolutionGeometry(height: 4, width: 3, top: 1, bottom: 2, left: 2, right: 0),
  ]

  @Test(arguments: [false, true], geometries)
  func convolution(_ rectified: Bool, _ geometry: ConvolutionGeometry) {
    let x = randomParameter("x", [2, 3, 4, 2])
    let w = randomParameter("w", [3, 2, geometry.height, geometry.width])
    let b = randomParameter("b", [3])
    expectGradients(in: [x, w, b]) { context in
      context.convolution(
        context.variable(x), rectified: rectified, context.variable(w), context.variable(b),
        geometry)
    }
  }

  @Test(arguments: geometries)
  func convolutionAddedToResidual(_ geometry: ConvolutionGeometry) {
    let x = randomParameter("x", [2, 3, 4, 2])
    let w = randomParameter("w", [3, 2, geometry.height, geometry.width])
    let b = randomParameter("b", [3])
    let s = randomParameter("stream", [2, 3, 4, 3])
    expectGradients(in: [x, w, b, s]) { context in
      context.convolution(
        context.variable(x), context.variable(w), context.variable(b), geometry,
        adding: context.variable(s))
    }
  }

  /// As in a residual block: the second gradient of x is added to the first in place.
  @Test(arguments: [false, true])
  func convolutionAddedToItsInput(_ rectified: Bool) {
    let x = randomParameter("x", [2, 3, 4, 2])
    let w = randomParameter("w", [2, 2, 1, 1])
    let b = randomParameter("b", [2])
    expectGradients(in: [x, w, b]) { context in
      context.convolution(
        context.variable(x), rectified: rectified, context.variable(w), context.variable(b),
        .pointwise, adding: context.variable(x))
    }
  }

  @Test(arguments: activations, [true, false])
  func linear(_ activation: Activation, _ hasBias: Bool) {
    let x = randomParameter("x", [3, 4])
    let w = randomParameter("w", [5, 4])
    let b = randomParameter("b", [5])
    expectGradients(in: hasBias ? [x, w, b] : [x, w]) { context in
      context.linear(
        context.variable(x), context.variable(w), hasBias ? context.variable(b) : nil,
        activation: activation)
    }
  }

  @Test(arguments: activations)
  func activate(_ activation: Activation) {
    let x = randomParameter("x", [3, 5])
    expectGradients(in: [x]) { $0.activate(activation, $0.variable(x)) }
  }

  /// The second pullback to run finds a gradient there and adds to it in place.
  @Test(arguments: activations, activations)
  func activateTheSameVariableTwice(_ first: Activation, _ second: Activation) {
    let x = randomParameter("x", [3, 5])
    expectGradients(in: [x]) { context in
      let x = context.variable(x)
      let scaled = context.masked(
        context.activate(second, x), by: randomTensor([3, 5], .float64, "scale"))
      return context.sum(context.activate(first, x), scaled)
    }
  }

  @Test func sum() {
    let a = randomParameter("a", [2, 3])
    let b = randomParameter("b", [2, 3])
    expectGradients(in: [a, b]) { $0.sum($0.variable(a), $0.variable(b)) }
    expectGradients(in: [a]) { $0.sum($0.variable(a), $0.variable(a)) }
    // One addend's gradient is changed in place; the other's must not move with it.
    expectGradients(in: [a, b]) { context in
      context.sum(
        context.activate(.sigmoid, context.variable(a)),
        context.activate(.relu, context.variable(b)))
    }
  }

  @Test func dropout() {
    let x = randomParameter("x", [5, 7])
    expectGradients(in: [x]) { $0.dropout($0.variable(x), DropoutMask(key: 1, rate: 0.4)) }
  }

  @Test func masked() {
    let x = randomParameter("x", [2, 3])
    let mask = Tensor([2, 3], .float64, values: [1, 0, 0, 1, 1, 0])
    expectGradients(in: [x]) { $0.masked($0.variable(x), by: mask) }
  }

  @Test func reshaped() {
    let x = randomParameter("x", [2, 6])
    let w = randomParameter("w", [5, 3])
    expectGradients(in: [x, w]) { context in
      context.linear(context.variable(x).reshaped([4, 3]), context.variable(w), nil)
        .reshaped([2, 10])
    }
  }

  @Test(
    "a parameter used under another shape has a gradient of its own shape, masked",
    arguments: [false, true])
  func reshapedParameter(_ usedTwice: Bool) {
    let mask = Tensor([2, 6], .float64, values: [1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1])
    let p = randomParameter("p", [2, 6], mask: mask)
    p.value.write(zip(p.value.values, mask.values).map(*))
    let context = Context(.reference, tape: Tape())
    let x = Variable(randomTensor([2, 4]))
    var y = context.linear(x, context.variable(p).reshaped([3, 4]), nil)
    if usedTwice {
      y = context.sum(y, context.linear(x, context.variable(p).reshaped([3, 4]), nil))
    }
    let gradient = context.gradients(of: y, seed: 1)[p]
    #expect(gradient?.shape == p.shape)
    let sums = (0..<4).map { x.value.element($0) + x.value.element($0 + 4) }
    expectClose(
      gradient?.values ?? [],
      (0..<12).map { mask.element($0) * sums[$0 % 4] * (usedTwice ? 2 : 1) }, tolerance: 1e-15)
  }

  @Test(arguments: [0.5, -2])
  func affine(_ scale: Double) {
    let x = randomParameter("x", [3, 2])
    expectGradients(in: [x]) { $0.affine($0.variable(x), scale: scale, offset: 0.25) }
  }

  @Test func appendedChannels() {
    let x = randomParameter("x", [2, 2, 3, 2])
    let planes = randomTensor([2, 3, 2], .float64, "planes")
    expectGradients(in: [x]) { $0.appendChannels(planes, to: $0.variable(x)) }
  }

  @Test func bernoulliLogProbability() {
    let logits = randomParameter("logits", [2, 4])
    expectGradients(in: [logits]) {
      $0.bernoulliLogProbability($0.variable(logits), of: [0, 1, 1, 0, 1, 0, 0, 1])
    }
  }

  @Test(arguments: [2, 5])
  func categoricalLogProbability(_ levels: Int) {
    let logits = randomParameter("logits", [2, 3, levels])
    let symbols = [0, levels - 1, 1, 1, 0, levels - 1].map(UInt8.init)
    expectGradients(in: [logits]) {
      $0.categoricalLogProbability($0.variable(logits), of: symbols)
    }
  }
}
