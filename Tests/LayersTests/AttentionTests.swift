import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct AttentionTests {
  /// An attention of two heads and its place in a store.
  private func attention(groups: Int, length: Int) -> Attention {
    let scope = ParameterStore(seed: 1, precision: .float64).root
    return Attention(
      AttentionShape(heads: 2, groups: groups, keys: 3, values: 2), length: length,
      owner: scope.parameter("owner", [1], .zeros, decays: false))
  }

  @Test(
    "an output is the mean of the values so far, weighted by the softmax of its scores",
    arguments: [1, 2])
  func value(groups: Int) {
    let q = randomTensor([2, 1, 5, 6], .float64, "q")
    let kv = randomTensor([2, 1, 5, 5 * groups], .float64, "kv")
    let y = attention(groups: groups, length: 5)(Variable(q), Variable(kv), in: Context(.reference))
      .value
    func dot(_ query: Int, _ key: Int) -> Double {
      var sum = 0.0
      for c in 0..<3 { sum += q.element(query + c) * kv.element(key + c) }
      return sum / 3.0.squareRoot()
    }
    var expected: [Double] = []
    for n in 0..<2 {
      for i in 0..<5 {
        for head in 0..<2 {
          let (query, group) = ((n * 5 + i) * 6 + head * 3, groups == 1 ? 0 : head)
          func place(_ j: Int) -> Int { (n * 5 + j) * 5 * groups }
          let weights = (0...i).map { exp(dot(query, place($0) + group * 3)) }
          let total = weights.reduce(0, +)
          for c in 0..<2 {
            var sum = 0.0
            for j in 0...i {
              sum += weights[j] * kv.element(place(j) + groups * 3 + group * 2 + c)
            }
            expected.append(sum / total)
          }
        }
      }
    }
    expectClose(y.values, expected, tolerance: 1e-14)
  }

  @Test(arguments: [1, 2])
  func gradients(groups: Int) {
    let q = randomParameter("q", [2, 2, 3, 6])
    let kv = randomParameter("kv", [2, 2, 3, 5 * groups])
    let attention = attention(groups: groups, length: 6)
    expectGradients(in: [q, kv]) { context in
      attention(context.variable(q), context.variable(kv), in: context)
    }
  }

  @Test func layerNormGradients() {
    let x = randomParameter("x", [3, 1, 2, 5])
    let norm = LayerNorm(5, at: ParameterStore(seed: 1, precision: .float64).root)
    norm.gain.value.write([1.5, -0.5, 0.3, 2, 1])
    norm.bias.value.write([0.1, 0.2, -0.3, 0.4, 0])
    expectGradients(in: [x, norm.gain, norm.bias]) { context in
      norm(context.variable(x), in: context)
    }
  }

  @Test func geluGradients() {
    let x = randomParameter("x", [3, 7])
    x.value.write(x.value.values.map { 4 * $0 })
    expectGradients(in: [x]) { context in
      context.gelu(context.variable(x))
    }
  }

  @Test("the places of all, or of the next")
  func positions() {
    let store = ParameterStore(seed: 1, precision: .float64)
    let positions = Positions(rows: 2, columns: 3, steps: 2, channels: 4, at: store.root / "p")
    let x = randomParameter("x", [2, 2, 6, 4])
    expectGradients(in: [x, positions.weight]) { context in
      positions(context.variable(x), place: nil, in: context)
    }
    let context = Context(.reference)
    let zeros = Variable(Tensor.zeros([2, 2, 6, 4], .float64))
    let all = positions(zeros, place: nil, in: context).value
    let rows = all.reshaped([24, 4])
    let different = Set((0..<12).map { rows.rows($0..<$0 + 1).values })
    #expect(different.count == 12)
    #expect(rows.rows(0..<12).values == rows.rows(12..<24).values)
    for place in 0..<12 {
      let one = positions(
        Variable(.zeros([1, 1, 1, 4], .float64)), place: place, in: context)
      #expect(one.value.values == rows.rows(place..<place + 1).values)
    }
  }

  @Test("what was before each step")
  func before() {
    let x = randomParameter("x", [2, 3, 2])
    expectGradients(in: [x]) { context in context.before(context.variable(x)) }
    let (found, given) = (
      Context(.reference).before(Variable(x.value)).value.values, x.value.values
    )
    let zeros: [Double] = [0, 0]
    #expect(Array(found[0..<2]) == zeros && Array(found[6..<8]) == zeros)
    #expect(Array(found[2..<6]) == Array(given[0..<4]))
    #expect(Array(found[8..<12]) == Array(given[6..<10]))
  }
}
