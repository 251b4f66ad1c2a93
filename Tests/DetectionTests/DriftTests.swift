import Detection
import Foundation
import Randomness
import Testing

@Suite struct DriftTests {
  /// `DRIFT=1000` for the figures that are published, of streams of 10 000 images (`make study-drift`).
  private static let repetitions =
    ProcessInfo.processInfo.environment["DRIFT"].flatMap { Int($0) } ?? 100
  private static let length = repetitions >= 1000 ? 10_000 : 500
  private static let normal = 1_000

  /// How odd the images of a stream are, normal ones uniform on 0 … 1: ranks alone count.
  private func stream(_ number: Int, _ count: Int, oddShare: Double = 0, from first: Int = 0)
    -> (normal: [Double], images: [Double])
  {
    var random = RandomStream(seed: 5, "images of a stream", number)
    let normal = (0..<Self.normal).map { _ in random.uniform() }
    let images = (0..<count).map { index in
      let isOdd = random.uniform() < oddShare && index >= first
      return random.uniform() + (isOdd ? 1 : 0)
    }
    return (normal, images)
  }

  @Test("ranks among all that came before are uniform and independent")
  func uniform() {
    var ranks = OnlineRanks([0.2, 0.4, 0.4, 0.8])
    #expect((3.0 / 5.0...4.0 / 5.0).contains(ranks.pValue(of: 0.3)))
    #expect((0...1.0 / 6.0).contains(ranks.pValue(of: 0.9)))
    // As odd as two others: it and they share their ranks.
    #expect((2.0 / 7.0...5.0 / 7.0).contains(ranks.pValue(of: 0.4)))
    #expect(ranks.count == 3)

    let (normal, images) = stream(0, 4_000)
    // Rounded, so that many tie.
    var long = OnlineRanks(normal.map { ($0 * 20).rounded() })
    let found = images.map { long.pValue(of: ($0 * 20).rounded()) }
    let test = BatchDrift.kolmogorovSmirnov(found, (0..<4_000).map { (Double($0) + 0.5) / 4_000 })
    #expect(test.pValue > 0.001 && found.allSatisfy { $0 > 0 && $0 <= 1 })
    let successive = zip(found, found.dropFirst()).map { ($0 - 0.5) * ($1 - 0.5) * 12 }
    #expect(abs(successive.reduce(0, +) / 4_000) < 3.3 / 4_000.0.squareRoot())
  }

  /// E f(p) = 1 of every bet on a uniform p, so that the value keeps its mean: by quadrature over the
  /// first two bets, which all that follow are like.
  @Test("bets are fair") func fair() {
    // p = u⁴⁰ brings the pole at zero within reach of the midpoint rule.
    let points = (0..<400).map { index -> (p: Double, weight: Double) in
      let u = (Double(index) + 0.5) / 400
      return (pow(u, 40), 40 * pow(u, 39) / 400)
    }
    let one = points.reduce(0.0) { sum, point in
      var martingale = ConformalMartingale()
      martingale.bet(on: point.p)
      return sum + point.weight * exp(martingale.logValue)
    }
    #expect(abs(one - 1) < 0.002)
    var afterOne = ConformalMartingale()
    afterOne.bet(on: 0.03)
    let two = points.reduce(0.0) { sum, point in
      var martingale = afterOne
      martingale.bet(on: point.p)
      return sum + point.weight * exp(martingale.logValue)
    }
    #expect(abs(two / exp(afterOne.logValue) - 1) < 0.002)
  }

  @Test("a stream that stays normal is seldom said to change")
  func falseAlarms() {
    let alarms = (0..<Self.repetitions).count { number in
      let (normal, images) = stream(number, Self.length)
      var stream = DriftStream(normal: normal, level: 0.05)
      return images.contains { stream.next($0).changed }
    }
    print("drift: \(alarms) of \(Self.repetitions) normal streams of \(Self.length) images")
    // Ville's bound, and three standard errors of the count.
    let expected = 0.05 * Double(Self.repetitions)
    #expect(Double(alarms) <= expected + 3 * (expected * 0.95).squareRoot())
  }

  @Test("one image in twenty turning odd is found within 500", arguments: [0, 1_000, 5_000])
  func found(after first: Int) {
    let repetitions = min(Self.repetitions, 200)
    let found = (0..<repetitions).compactMap { number -> Int? in
      let (normal, images) = stream(number, first + 500, oddShare: 0.05, from: first)
      var stream = DriftStream(normal: normal, level: 0.05)
      let at = images.firstIndex { stream.next($0).changed }
      return at.flatMap { $0 >= first ? $0 - first + 1 : nil }
    }
    let median = found.isEmpty ? 0 : found.sorted()[found.count / 2]
    print(
      "drift: 5 % odd after \(first) images found within 500 in \(found.count) of \(repetitions)"
        + " streams, the median by image \(median)")
    #expect(Double(found.count) >= 0.9 * Double(repetitions))
  }

  @Test("batches of normal images are uniform in their p-values, others are not")
  func batches() {
    var random = RandomStream(seed: 7, "batches")
    func sample(_ count: Int, shift: Double = 0) -> [Double] {
      (0..<count).map { _ in random.uniform() + shift }
    }
    var (rejected, found) = (0, 0)
    for _ in 0..<200 {
      let normal = sample(300)
      func isRejected(_ shift: Double) -> Bool {
        let batch = sample(60, shift: shift)
        return BatchDrift(oddness: (batch, normal), nats: (batch, normal), draws: 300).pValue
          <= 0.05
      }
      rejected += isRejected(0) ? 1 : 0
      found += isRejected(0.25) ? 1 : 0
    }
    // 10 of 200 at 5 %, and Bonferroni asks for less.
    #expect(rejected <= 18 && found >= 190)
    let same = [Double](repeating: 1, count: 20)
    #expect(BatchDrift(oddness: (same, same), nats: (same, same)).pValue == 1)
    let impossible = BatchDrift(
      oddness: (same, same), nats: ([.infinity] + same, same), draws: 999)
    #expect(impossible.typicality!.pValue == 1e-3)
  }

  /// Of two samples of n images, P(D ≥ k / n) = 2 Σ_j (−1)^(j + 1) C(2n, n − jk) / C(2n, n) (Gnedenko and
  /// Korolyuk 1951): 0.5713360 for n = 20, k = 5, and 0.0878383 for n = 200, k = 25.
  @Test(
    "the distance is Kolmogorov's, and its p-value near the exact one",
    arguments: [(20, 5, 0.5713360, 0.015), (200, 25, 0.0878383, 1e-4)])
  func distance(_ count: Int, _ apart: Int, _ exact: Double, _ within: Double) {
    let test = BatchDrift.kolmogorovSmirnov(
      (0..<count).map(Double.init), (apart..<apart + count).map(Double.init))
    #expect(abs(test.statistic - Double(apart) / Double(count)) < 1e-12)
    #expect(abs(test.pValue - exact) < within)
  }
}
