import Tensors
import TestSupport
import Testing

@Suite struct StaircaseTests {
  private func mask(_ lengths: [Int], _ columns: Int) -> Tensor {
    Tensor(
      [lengths.count, columns], .float64,
      values: lengths.flatMap { length in (0..<columns).map { $0 < length ? 1 : 0 } })
  }

  @Test func shapes() throws {
    let staircase = try #require(Staircase(mask([0, 1, 1, 3], 4)))
    #expect(staircase.lengths == [0, 1, 1, 3])
    #expect(staircase.steps.map(\.rows) == [0..<4])
    #expect(staircase.steps.map(\.columns) == [4])
    #expect(Staircase(mask([2, 1], 3)) == nil)
    #expect(Staircase(Tensor([1, 3], .float64, values: [1, 0, 1])) == nil)
    #expect(Staircase(Tensor([1, 4], .float64, values: [1, 0, 1, 1])) == nil)
    #expect(Staircase(Tensor([3], .float64, values: [1, 1, 0])) == nil)
  }

  @Test("the steps cover every row once and every live column")
  func steps() throws {
    for (rows, columns) in [(1, 1), (129, 7), (784, 784), (1000, 50), (8000, 784)] {
      let lengths = (0..<rows).map { $0 * columns / rows }
      let staircase = try #require(Staircase(mask(lengths, columns)))
      #expect(staircase.steps.flatMap(\.rows) == Array(0..<rows))
      for step in staircase.steps {
        #expect((1...columns).contains(step.columns))
        #expect(step.rows.allSatisfy { lengths[$0] <= step.columns })
      }
      let area = staircase.steps.reduce(0) { $0 + $1.rows.count * $1.columns }
      if rows >= 1000, columns >= 512 { #expect(area < rows * columns * 6 / 10) }
    }
  }

  @Test("by steps or whole, a masked layer and its gradients are the same")
  func linear() throws {
    let lengths = (0..<300).map { $0 / 2 }
    let mask = mask(lengths, 157)
    let w = randomParameter("w", [300, 157], mask: mask)
    w.value.write(zip(w.value.values, mask.values).map(*))
    let x = randomParameter("x", [3, 157])
    let b = randomParameter("b", [300])
    func results(_ staircase: Staircase?) throws -> [[Double]] {
      let context = Context(.reference, tape: Tape())
      let y = context.linear(
        context.variable(x), context.variable(w), context.variable(b), staircase: staircase,
        activation: .sigmoid)
      let gradients = context.gradients(of: y, seed: 1)
      return try [y.value.values] + [x, w, b].map { try #require(gradients[$0]).values }
    }
    let staircase = try #require(w.staircase)
    #expect(staircase.steps.count == 3)
    for (found, expected) in zip(try results(staircase), try results(nil)) {
      expectClose(found, expected, tolerance: 1e-12)
    }
  }
}
