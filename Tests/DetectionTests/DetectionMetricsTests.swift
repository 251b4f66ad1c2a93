import Detection
import Randomness
import Testing

@Suite struct DetectionMetricsTests {
  /// Small sets with many ties.
  static func draw(_ seed: Int) -> (normal: [Double], odd: [Double]) {
    var stream = RandomStream(seed: 7, "scores", seed)
    let normal = (0..<1 + stream.integer(below: 12)).map { _ in Double(stream.integer(below: 8)) }
    let odd = (0..<1 + stream.integer(below: 12)).map { _ in Double(2 + stream.integer(below: 8)) }
    return (normal, odd)
  }

  /// Σ (R_k − R_{k−1}) P_k by counting anew at every threshold.
  static func averagePrecision(positive: [Double], negative: [Double]) -> Double {
    var sum = 0.0
    var recallBefore = 0.0
    for threshold in Set(positive + negative).sorted(by: >) {
      let found = Double(positive.filter { $0 >= threshold }.count)
      let wrong = Double(negative.filter { $0 >= threshold }.count)
      let recall = found / Double(positive.count)
      sum += (recall - recallBefore) * (found / (found + wrong))
      recallBefore = recall
    }
    return sum
  }

  /// The least false-positive rate over all thresholds that reach the recall.
  static func falsePositiveRate(recall: Double, normal: [Double], odd: [Double]) -> Double {
    Set(normal + odd).compactMap { threshold -> Double? in
      let found = Double(odd.filter { $0 >= threshold }.count) / Double(odd.count)
      guard found >= recall else { return nil }
      return Double(normal.filter { $0 >= threshold }.count) / Double(normal.count)
    }.min()!
  }

  @Test(arguments: 0..<40) func agreesWithTheDefinitions(seed: Int) throws {
    let (normal, odd) = Self.draw(seed)
    let metrics = try DetectionMetrics(normal: normal, odd: odd)
    var wins = 0.0
    for o in odd { for n in normal { wins += o > n ? 1 : o == n ? 0.5 : 0 } }
    #expect(abs(metrics.auroc - wins / Double(odd.count * normal.count)) < 1e-12)
    let out = Self.averagePrecision(positive: odd, negative: normal)
    let within = Self.averagePrecision(positive: normal.map(-), negative: odd.map(-))
    #expect(abs(metrics.auprOut - out) < 1e-12)
    #expect(abs(metrics.auprIn - within) < 1e-12)
    #expect(metrics.fpr95 == Self.falsePositiveRate(recall: 0.95, normal: normal, odd: odd))
    #expect(metrics.fpr80 == Self.falsePositiveRate(recall: 0.80, normal: normal, odd: odd))
  }

  @Test func recallIsReachedExactly() throws {
    // 19 of 20 odd images lie above all normal ones: 95 % recall costs nothing.
    let odd = [0.0] + (1...19).map { 100 + Double($0) }
    let metrics = try DetectionMetrics(normal: [1, 2, 3, 4], odd: odd)
    #expect(metrics.fpr95 == 0)
    #expect(try DetectionMetrics(normal: [1, 2, 3, 4], odd: [0] + odd).fpr95 == 1)
  }

  @Test func perfectReversedAndInfinite() throws {
    let perfect = try DetectionMetrics(normal: [1, 2], odd: [3, .infinity])
    #expect(perfect.auroc == 1 && perfect.auprIn == 1 && perfect.auprOut == 1)
    #expect(perfect.fpr95 == 0)
    let reversed = try DetectionMetrics(normal: [3, 4], odd: [1, -.infinity])
    #expect(reversed.auroc == 0 && reversed.fpr80 == 1)
  }

  @Test func refusesNothingAndNaN() {
    #expect(throws: DetectionError.missing("odd image")) {
      try DetectionMetrics(normal: [1], odd: [])
    }
    #expect(throws: DetectionError.notANumber(score: "to compare", where: "the normal images")) {
      try DetectionMetrics(normal: [1, .nan], odd: [1])
    }
  }

  @Test func bootstrapRepeatsAndCoversTheTruth() throws {
    // Both classes uniform, the odd shifted by 0.3: AUROC = 1 − 0.7² / 2.
    let truth = 1 - 0.7 * 0.7 / 2
    var covered = 0
    for trial in 0..<60 {
      var stream = RandomStream(seed: 3, "cover", trial)
      let normal = (0..<60).map { _ in stream.uniform() }
      let odd = (0..<60).map { _ in stream.uniform() + 0.3 }
      var first = RandomStream(seed: 4, "bootstrap", trial)
      var second = first
      let interval = try DetectionMetrics.bootstrap(
        normal: normal, odd: odd, resamples: 200, using: &first)
      if trial == 0 {
        let again = try DetectionMetrics.bootstrap(
          normal: normal, odd: odd, resamples: 200, using: &second)
        #expect(interval == again)
      }
      let metrics = try DetectionMetrics(normal: normal, odd: odd)
      #expect(interval.low.auroc < metrics.auroc && metrics.auroc < interval.high.auroc)
      if (interval.low.auroc...interval.high.auroc).contains(truth) { covered += 1 }
    }
    #expect((50...60).contains(covered), "a 95 % interval covered \(covered) of 60")
  }
}

@Suite struct BinomialIntervalTests {
  @Test(arguments: [(0, 10), (1, 10), (5, 10), (10, 10), (7, 53)])
  func endsGiveTheTailsAskedFor(successes: Int, trials: Int) {
    func atLeast(_ k: Int, _ p: Double) -> Double {
      (k...trials).reduce(0) { sum, i in
        var term = 1.0
        for j in 0..<i { term *= Double(trials - j) / Double(j + 1) * p }
        for _ in i..<trials { term *= 1 - p }
        return sum + term
      }
    }
    let interval = binomialInterval(successes: successes, trials: trials, confidence: 0.9)
    if successes > 0 {
      #expect(abs(atLeast(successes, interval.lowerBound) - 0.05) < 1e-9)
    } else {
      #expect(interval.lowerBound == 0)
    }
    if successes < trials {
      #expect(abs(1 - atLeast(successes + 1, interval.upperBound) - 0.05) < 1e-9)
    } else {
      #expect(interval.upperBound == 1)
    }
  }

  @Test func staysExactForManyTrials() {
    // With no success the upper end is 1 − (tail)^(1/n).
    let upper = binomialInterval(successes: 0, trials: 1_000_000).upperBound
    #expect(abs(upper - 3.68887e-6) < 1e-10)
    let wide = binomialInterval(successes: 500_000, trials: 1_000_000)
    #expect(abs(wide.lowerBound - 0.49902) < 1e-5 && abs(wide.upperBound - 0.50098) < 1e-5)
  }
}

@Suite struct MetricsSpreadTests {
  @Test func spreadIsMeanAndStandardDeviationFromRunToRun() throws {
    // AUROC 1, 5/6 and 1/2 of three runs.
    let runs = try [[4.0, 5], [2.5, 4], [0, 4]].map {
      try DetectionMetrics(normal: [1, 2, 3], odd: $0)
    }
    let spread = MetricsSpread(of: runs)
    #expect(spread.runs == 3)
    #expect(abs(spread.mean.auroc - 7 / 9) < 1e-12)
    #expect(abs(spread.deviation.auroc - (7.0 / 108).squareRoot()) < 1e-12)
    #expect(MetricsSpread(of: [runs[1]]).mean == runs[1])
    #expect(MetricsSpread(of: [runs[1]]).deviation.auroc == 0)
  }
}
