import Detection
import Randomness
import Testing

@Suite struct RankPValueTests {
  let ranks = RankPValue(score: "nats", normal: [5, 1, 3, 3])

  @Test(arguments: [(6, 0.2), (5, 0.4), (4, 0.4), (3, 0.8), (1, 1.0), (0, 1.0), (.infinity, 0.2)])
  func byHandHigh(score: Double, p: Double) throws {
    #expect(try ranks.pValue(of: score) == p)
  }

  @Test(arguments: [(6, 1.0), (5, 1.0), (4, 0.8), (3, 0.8), (1, 0.4), (0, 0.2)])
  func byHandLow(score: Double, p: Double) throws {
    #expect(try ranks.pValue(of: score, tail: .low) == p)
  }

  @Test(arguments: [(6, 0.4), (5, 0.8), (3, 1.0), (1, 0.8), (0, 0.4)])
  func byHandBoth(score: Double, p: Double) throws {
    #expect(try ranks.pValue(of: score, tail: .both) == p)
  }

  @Test func refusesNaN() {
    #expect(throws: DetectionError.notANumber(score: "nats", where: "the image to be ranked")) {
      try ranks.pValue(of: .nan)
    }
  }

  @Test(arguments: Tail.allCases) func isUniformUnderExchangeability(tail: Tail) throws {
    // With N = 19 and no ties each rank has probability 1/20, and P(p ≤ α) = α at α = k / 20 (for
    // both tails where k is even).
    let trials = 20_000
    var counts = [Int](repeating: 0, count: 21)
    for trial in 0..<trials {
      var stream = RandomStream(seed: 1, "exchangeable", trial)
      let normal = (0..<19).map { _ in stream.uniform() }
      let p = try RankPValue(score: "u", normal: normal).pValue(of: stream.uniform(), tail: tail)
      for k in 1...20 where p <= Double(k) / 20 { counts[k] += 1 }
    }
    for k in stride(from: 2, through: 20, by: 2) {
      let alpha = Double(k) / 20
      let deviation = (alpha * (1 - alpha) / Double(trials)).squareRoot()
      #expect(abs(Double(counts[k]) / Double(trials) - alpha) <= 4.5 * deviation)
    }
  }

  @Test(arguments: [0.01, 0.05, 0.1, 0.3, 1.0 / 3, 0.999])
  func neededImagesAreTheFewestThatCanFlag(rate: Double) throws {
    for tail in [Tail.high, .both] {
      let needed = try RankPValue.imagesNeeded(falseAlarmRate: rate, tail: tail)
      func least(_ count: Int) throws -> Double {
        try RankPValue(score: "s", normal: (0..<count).map(Double.init)).pValue(of: 1e9, tail: tail)
      }
      #expect(try least(needed) <= rate)
      if needed > 1 { #expect(try least(needed - 1) > rate) }
    }
  }

  @Test func refusesRatesTheImagesCannotResolve() throws {
    #expect(try RankPValue.imagesNeeded(falseAlarmRate: 0.01) == 99)
    let error = #expect(throws: DetectionError.self) {
      try ranks.requireEnoughImages(falseAlarmRate: 0.01)
    }
    #expect(
      error?.description
        == "a false-alarm rate of 0.01 needs at least 99 held-out normal images, found 4")
    #expect(throws: DetectionError.self) { try ranks.ordinaryRange(falseAlarmRate: 0.1) }
    #expect(throws: DetectionError.self) {
      try ranks.ordinaryRange(falseAlarmRate: .leastNonzeroMagnitude)
    }
    for rate in [0, 1, -0.5, 2, Double.nan, .infinity] {
      #expect(throws: DetectionError.self) { try ranks.requireEnoughImages(falseAlarmRate: rate) }
    }
  }

  @Test(arguments: 0..<20) func ordinaryRangeAgreesWithTheFlagRule(seed: Int) throws {
    var stream = RandomStream(seed: 2, "ordinary", seed)
    let normal = (0..<9 + stream.integer(below: 60)).map { _ in Double(stream.integer(below: 30)) }
    let ranks = RankPValue(score: "s", normal: normal)
    for rate in [0.2, 0.25, 0.4, 0.9] {
      for tail in Tail.allCases {
        let ordinary = try ranks.ordinaryRange(falseAlarmRate: rate, tail: tail)
        for score in stride(from: -1.0, through: 31, by: 0.5) {
          let flagged = try ranks.pValue(of: score, tail: tail) <= rate
          #expect(flagged == !ordinary.contains(score))
        }
      }
    }
  }

  @Test func benjaminiHochbergByHand() {
    // Bounds at rate 0.05 with m = 5: 0.01, 0.02, 0.03, 0.04, 0.05. The largest p within its bound is
    // the fourth, so that the third is flagged although it lies above its own.
    #expect(
      benjaminiHochberg([0.039, 0.005, 0.9, 0.035, 0.011], rate: 0.05)
        == [true, true, false, true, true])
    #expect(benjaminiHochberg([0.02, 0.5], rate: 0.03) == [false, false])
    #expect(benjaminiHochberg([], rate: 0.1) == [])
  }
}
