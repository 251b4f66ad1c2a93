import Randomness

/// How well a score tells odd images from normal ones; all five are shares, 0 … 1. A higher score
/// means odder.
///
/// ```swift
/// let metrics = try DetectionMetrics(normal: [1, 2, 3], odd: [2.5, 4])
/// metrics.auroc  // 5/6: five of the six pairs are in order
/// ```
///
/// All are exact, ties included: images of equal score are found together or not at all.
public struct DetectionMetrics: Equatable, Sendable, Codable {
  /// P(odd scores higher than normal) + ½ P(equal): the Mann–Whitney statistic.
  public var auroc: Double
  /// Average precision with the **normal** images positive, found from the lowest score up.
  public var auprIn: Double
  /// Average precision with the **odd** images positive, found from the highest score down:
  /// Σ (R_k − R_{k−1}) P_k over the distinct scores.
  public var auprOut: Double
  /// The share of normal images flagged where at least 95 % of the odd ones are (odd is positive).
  public var fpr95: Double
  /// The same at 80 %.
  public var fpr80: Double

  /// The metrics of two sets of scores. Throws where one is empty or holds NaN. O(n log n).
  public init(normal: [Double], odd: [Double]) throws(DetectionError) {
    let ranking = try Ranking(normal: normal, odd: odd)
    self = ranking.metrics(
      normal: ranking.histogram(of: ranking.normal), odd: ranking.histogram(of: ranking.odd))
  }

  /// Percentile bootstrap intervals: the images of either class are drawn again, with
  /// replacement, `resamples` times (Efron 1979, doi:10.1214/aos/1176344552).
  ///
  /// The scores are sorted once; a resample then costs O(n).
  public static func bootstrap(
    normal: [Double], odd: [Double], resamples: Int = 1_000, confidence: Double = 0.95,
    using stream: inout RandomStream
  ) throws(DetectionError) -> (low: DetectionMetrics, high: DetectionMetrics) {
    precondition(resamples > 1, "a bootstrap needs at least 2 resamples, found \(resamples)")
    precondition(confidence > 0 && confidence < 1, "confidence must be 0 … 1, found \(confidence)")
    let ranking = try Ranking(normal: normal, odd: odd)
    let draws = (0..<resamples).map { _ in
      ranking.metrics(
        normal: ranking.histogram(resampling: ranking.normal, using: &stream),
        odd: ranking.histogram(resampling: ranking.odd, using: &stream))
    }
    func quantile(_ share: Double) -> DetectionMetrics {
      func at(_ metric: KeyPath<DetectionMetrics, Double>) -> Double {
        let sorted = draws.map { $0[keyPath: metric] }.sorted()
        let position = share * Double(sorted.count - 1)
        let below = Int(position)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
      }
      return DetectionMetrics(
        auroc: at(\.auroc), auprIn: at(\.auprIn), auprOut: at(\.auprOut), fpr95: at(\.fpr95),
        fpr80: at(\.fpr80))
    }
    return (quantile((1 - confidence) / 2), quantile((1 + confidence) / 2))
  }

  private init(auroc: Double, auprIn: Double, auprOut: Double, fpr95: Double, fpr80: Double) {
    self.auroc = auroc
    self.auprIn = auprIn
    self.auprOut = auprOut
    self.fpr95 = fpr95
    self.fpr80 = fpr80
  }

  /// Two sets of scores as ranks among their distinct values, the oddest first: all that the
  /// metrics depend on.
  private struct Ranking {
    let distinct: Int
    let normal: [Int]
    let odd: [Int]

    init(normal: [Double], odd: [Double]) throws(DetectionError) {
      guard !normal.isEmpty else { throw .missing("normal image") }
      guard !odd.isEmpty else { throw .missing("odd image") }
      guard !normal.contains(where: \.isNaN) else {
        throw .notANumber(score: "to compare", where: "the normal images")
      }
      guard !odd.contains(where: \.isNaN) else {
        throw .notANumber(score: "to compare", where: "the odd images")
      }
      let scores = normal + odd
      var ranks = [Int](repeating: 0, count: scores.count)
      var rank = -1
      var previous: Double?
      for index in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
        if scores[index] != previous { rank += 1 }
        previous = scores[index]
        ranks[index] = rank
      }
      self.distinct = rank + 1
      self.normal = Array(ranks[..<normal.count])
      self.odd = Array(ranks[normal.count...])
    }

    /// How many images have each rank.
    func histogram(of ranks: [Int]) -> [Int] {
      var counts = [Int](repeating: 0, count: distinct)
      for rank in ranks { counts[rank] += 1 }
      return counts
    }

    /// The same for as many images drawn with replacement.
    func histogram(resampling ranks: [Int], using stream: inout RandomStream) -> [Int] {
      var counts = [Int](repeating: 0, count: distinct)
      for _ in ranks { counts[ranks[stream.integer(below: ranks.count)]] += 1 }
      return counts
    }

    /// One walk from the oddest rank down.
    func metrics(normal: [Int], odd: [Int]) -> DetectionMetrics {
      let normalCount = Double(self.normal.count)
      let oddCount = Double(self.odd.count)
      var metrics = DetectionMetrics(auroc: 0, auprIn: 0, auprOut: 0, fpr95: 1, fpr80: 1)
      // Images of either class among the ranks walked so far, and among those still to come.
      var (oddFound, normalFound) = (0.0, 0.0)
      var (oddLeft, normalLeft) = (oddCount, normalCount)
      for rank in 0..<distinct {
        let (o, n) = (Double(odd[rank]), Double(normal[rank]))
        if n > 0 { metrics.auprIn += n / normalCount * normalLeft / (normalLeft + oddLeft) }
        let recallBefore = oddFound / oddCount
        oddFound += o
        normalFound += n
        oddLeft -= o
        normalLeft -= n
        if o > 0 { metrics.auprOut += o / oddCount * oddFound / (oddFound + normalFound) }
        metrics.auroc += o * (normalLeft + n / 2) / (oddCount * normalCount)
        let recall = oddFound / oddCount
        if recallBefore < 0.95, recall >= 0.95 { metrics.fpr95 = normalFound / normalCount }
        if recallBefore < 0.80, recall >= 0.80 { metrics.fpr80 = normalFound / normalCount }
      }
      // Sums of shares, which rounding may carry past one.
      for metric in [\DetectionMetrics.auroc, \.auprIn, \.auprOut] {
        metrics[keyPath: metric] = min(1, metrics[keyPath: metric])
      }
      return metrics
    }
  }
}
