import Randomness

/// How well scores tell other images from normal ones, each on the side on which it is odd.
///
/// ```swift
/// let comparison = try Comparison(
///   normal: scorer.table(of: normal)!, others: [(name: "scratched", table: scorer.table(of: odd)!)],
///   by: ["verdict", "nats"], calibration: calibration, seed: 0)
/// for pair in comparison.pairs { print(pair.outOf, pair.score, pair.metrics.auroc) }
/// ```
public struct Comparison: Sendable {
  /// One set told from the normal images by one score.
  public struct Pair: Sendable {
    /// The set of other images.
    public let outOf: String
    public let score: String
    /// What is odder the higher it is, of each normal image and of each other.
    public let normal: [Double]
    public let odd: [Double]
    public let metrics: DetectionMetrics
    /// The ends of intervals of 95 %, by the bootstrap.
    public let low: DetectionMetrics
    public let high: DetectionMetrics
  }

  /// Set by set, score by score.
  public let pairs: [Pair]

  /// - Parameters:
  ///   - scores: by their names, those that count first; those that the tables lack are left out.
  ///   - calibration: where a score is odd that is so on both sides; nil: where the normal images are not.
  ///   - seed: keys the bootstrap.
  /// - Throws: `DetectionError` for a score that is not a number, and where there are no images.
  public init(
    normal: ScoreTable, others: [(name: String, table: ScoreTable)], by scores: [String],
    calibration: Calibration?, seed: UInt64
  ) throws(DetectionError) {
    var columns: [(Oddness, [Double])] = []
    for score in scores {
      guard let values = normal.values(of: score) else { continue }
      columns.append((Oddness(score, among: calibration?.scores[score] ?? values), values))
    }
    var pairs: [Pair] = []
    for (name, table) in others {
      for (oddness, values) in columns {
        guard let others = table.values(of: oddness.score) else { continue }
        pairs.append(try Pair(outOf: name, oddness, normal: values, others, seed: seed))
      }
    }
    self.pairs = pairs
  }
}

extension Comparison.Pair {
  fileprivate init(
    outOf: String, _ oddness: Oddness, normal: [Double], _ others: [Double], seed: UInt64
  ) throws(DetectionError) {
    self.outOf = outOf
    score = oddness.score
    self.normal = normal.map(oddness.value)
    odd = others.map(oddness.value)
    metrics = try DetectionMetrics(normal: self.normal, odd: odd)
    var stream = RandomStream(seed: seed, "bootstrap/\(outOf)/\(score)")
    (low, high) = try DetectionMetrics.bootstrap(normal: self.normal, odd: odd, using: &stream)
  }
}

/// A score as what is odder the higher it is.
private struct Oddness {
  let score: String
  private let tail: Tail
  private let tails: Tails

  init(_ score: String, among normal: [Double]) {
    self.score = score
    tail = Score.oddTail(of: score)
    tails = Tails(of: normal)
  }

  func value(_ value: Double) -> Double {
    switch tail {
    case .high: value
    case .low: -value
    case .both: value.isNaN ? .nan : tails.oddness(of: value, .both)
    }
  }
}
