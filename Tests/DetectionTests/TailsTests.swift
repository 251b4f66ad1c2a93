import Detection
import Foundation
import Randomness
import Testing

@Suite struct TailsTests {
  /// Ranks within the values, by their definition.
  @Test func insideTheyAreRanks() {
    let values = draws(400, seed: 1)
    let tails = Tails(of: values)
    for x in draws(50, seed: 2) where abs(x) < 1.5 {
      let (high, low) = (values.count { $0 >= x }, values.count { $0 <= x })
      #expect(abs(tails.upper(at: x) + log((Double(high) + 0.5) / 401)) < 1e-12)
      #expect(abs(tails.lower(at: x) + log((Double(low) + 0.5) / 401)) < 1e-12)
    }
  }

  /// Beyond the outer ten of 400, an exponential of the mean distance of those.
  @Test func outsideTheyAreExponential() {
    let values = draws(400, seed: 1).sorted()
    let tails = Tails(of: values)
    let start = values[389]
    let scale = values[390...].reduce(0) { $0 + $1 - start } / 10
    for x in [values[399], values[399] + 3, 1e6] {
      let expected = -log(10 / 400) + (x - start) / scale
      #expect(abs(tails.upper(at: x) - expected) < 1e-9 * expected)
      #expect(Tails(of: values.map { -$0 }).lower(at: -x) == tails.upper(at: x))
    }
    #expect(tails.upper(at: .infinity) == .infinity && tails.upper(at: .nan) == .infinity)
  }

  @Test func aTailThatDoesNotCountIsOrdinary() {
    let tails = Tails(of: draws(300, seed: 3))
    #expect(tails.normalScore(of: -40, .high) == 0 && tails.normalScore(of: 40, .low) == 0)
    #expect(tails.normalScore(of: 40, .high) > 5 && tails.normalScore(of: -40, .low) < -5)
    #expect(tails.normalScore(of: -40, .both) < -5 && tails.normalScore(of: 40, .both) > 5)
    #expect(tails.oddness(of: 40, .low) < 0.01 && tails.oddness(of: -40, .both) > 20)
  }

  /// Normal numbers in, the same normal numbers out, about.
  @Test func normalValuesKeepTheirScores() {
    let tails = Tails(of: draws(20_000, seed: 4))
    for x in [-2.5, -1, -0.3, 0.3, 1, 2.5] {
      #expect(abs(tails.normalScore(of: x, .both) - x) < 0.08, "\(x)")
    }
  }

  /// Scores grow with depth without a step back, also where nothing normal lies.
  @Test func scoresGrow() {
    let tails = Tails(of: draws(100, seed: 5))
    let scores = stride(from: 0.0, to: 4000, by: 0.5).map { tails.normalScore(of: $0, .both) }
    #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(scores.last! > 40 && scores.last!.isFinite)
    #expect(tails.normalScore(of: .infinity, .both).isFinite)
  }

  /// Values that never vary, few values, infinite ones.
  @Test(
    arguments: [[3], [3, 3, 3, 3], [1, 2], [1, 2, .infinity], [-.infinity, 0, 1]] as [[Double]])
  func oddValues(values: [Double]) {
    let tails = Tails(of: values)
    for x in [-1e9, 0, 3, 1e9] {
      #expect(tails.upper(at: x) >= 0 && !tails.upper(at: x).isNaN)
      #expect(tails.lower(at: x) >= 0 && !tails.lower(at: x).isNaN)
      #expect(tails.normalScore(of: x, .both).isFinite)
    }
    if values.allSatisfy(\.isFinite) {
      #expect(tails.normalScore(of: 1e9, .both) > 5 && tails.normalScore(of: -1e9, .both) < -5)
    }
  }
}

/// Standard normal numbers.
func draws(_ count: Int, seed: UInt64, _ purpose: String = "draws") -> [Double] {
  var stream = RandomStream(seed: seed, purpose)
  return (0..<count).map { _ in
    let radius = (-2 * log(1 - stream.uniform())).squareRoot()
    return radius * cos(2 * .pi * stream.uniform())
  }
}
