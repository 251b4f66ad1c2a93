import Foundation
import Heads
import Randomness
import Tensors
import TestSupport
import Testing

/// Levels as shares of a normal distribution.
@Suite struct DiscretisedNormalTests {
  let reference = Context(.reference)

  private func distribution(_ levels: Int, _ mean: Double, _ deviation: Double)
    -> any PixelDistribution
  {
    Head.normal(levels).distribution(
      Variable(Tensor([1, 2], .float64, values: [mean, log(deviation)])), channels: 1)
  }

  @Test("levels sum to one, wherever the mean lies", arguments: [2, 3, 16, 255, 256])
  func sums(_ levels: Int) {
    for (mean, deviation) in [
      (0.5, 0.1), (0.0, 0.001), (1.0, 30), (-3.0, 0.05), (7.0, 1e6), (0.3, 1e-9), (0.2, 1e200),
    ] {
      let p = distribution(levels, mean, deviation).probabilities(image: 0, subpixel: 0)
      #expect(p.count == levels)
      #expect(abs(p.reduce(0, +) - 1) < 1e-11, "\(levels) levels, \(mean), \(deviation)")
    }
  }

  @Test("in the far tail log p keeps its digits")
  func tails() {
    // Level 0 of two lies below ½: far above it, log Φ(−x) = −x²/2 − ln(x √2π) − 1/x² + …
    for x in [5.0, 29, 31, 100, 1e4] {
      let found = distribution(2, 0.5 + x, 1).logProbability(of: [0], in: reference).value.values[0]
      let series =
        -x * x / 2 - log(x * (2 * .pi).squareRoot()) + log1p(-1 / (x * x) + 3 / pow(x, 4))
      #expect(abs(found - series) < 20 / pow(x, 6) + 1e-9 * abs(series))
    }
  }

  @Test("gradients agree with finite differences in double", arguments: [2, 9, 256])
  func gradients(_ levels: Int) {
    let count = 12
    let parameter = randomParameter("outputs", [1, count, 2])
    let symbols = (0..<count).map { UInt8($0 * 37 % levels) }
    expectGradients(in: [parameter]) { context in
      Head.normal(levels).distribution(context.variable(parameter), channels: 1).logProbability(
        of: symbols, in: context)
    }
  }

  @Test("an even grid of uniform numbers comes to the probabilities", arguments: [2, 7, 256])
  func draws(_ levels: Int) throws {
    let count = 50_000
    let own = [0.4, log(0.2)]
    let all = Tensor(
      [count, 1, 2], .float64, values: (0..<count).flatMap { _ in own })
    let distribution = Head.normal(levels).distribution(Variable(all), channels: 1)
    let drawn = try #require(
      distribution.draw(
        subpixel: 0, given: [], (0..<count).map { (Double($0) + 0.5) / Double(count) },
        in: reference))
    var shares = [Double](repeating: 0, count: levels)
    for level in drawn { shares[Int(level)] += 1 / Double(count) }
    for (a, b) in zip(shares, distribution.probabilities(image: 0, subpixel: 0)) {
      #expect(abs(a - b) < 2 / Double(count))
    }
    #expect(
      self.distribution(levels, .nan, 1).draw(subpixel: 0, given: [], [0.5], in: reference) == nil)
  }
}
