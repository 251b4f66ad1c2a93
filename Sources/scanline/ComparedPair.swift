import Detection
import Randomness

extension CompareSets {
  /// One set told from the normal images by one score.
  struct Pair: Encodable {
    /// Nil where there is one alone.
    var run: String?
    let outOf: String
    let score: String
    /// What is odder the higher it is.
    let normal: [Double]
    let odd: [Double]
    let metrics: DetectionMetrics
    let low: DetectionMetrics
    let high: DetectionMetrics

    init(
      outOf: String, _ column: Oddness, _ normal: ScoreTable, _ other: ScoreTable, seed: UInt64
    ) throws {
      self.outOf = outOf
      score = column.score
      (self.normal, odd) = (column.values(in: normal), column.values(in: other))
      metrics = try DetectionMetrics(normal: self.normal, odd: odd)
      var stream = RandomStream(seed: seed, "bootstrap/\(outOf)/\(score)")
      (low, high) = try DetectionMetrics.bootstrap(
        normal: self.normal, odd: odd, using: &stream)
    }

    private enum Key: String, CodingKey {
      case run, outOf, score, auroc, aurocLow, aurocHigh, auprIn, auprInLow, auprInHigh, auprOut
      case auprOutLow, auprOutHigh, fpr95, fpr95Low, fpr95High, fpr80, fpr80Low, fpr80High
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encodeIfPresent(run, forKey: .run)
      try container.encode(outOf, forKey: .outOf)
      try container.encode(score, forKey: .score)
      let columns: [(KeyPath<DetectionMetrics, Double>, Key, Key, Key)] = [
        (\.auroc, .auroc, .aurocLow, .aurocHigh), (\.auprIn, .auprIn, .auprInLow, .auprInHigh),
        (\.auprOut, .auprOut, .auprOutLow, .auprOutHigh),
        (\.fpr95, .fpr95, .fpr95Low, .fpr95High), (\.fpr80, .fpr80, .fpr80Low, .fpr80High),
      ]
      for (metric, value, lowEnd, highEnd) in columns {
        try container.encode(metrics[keyPath: metric], forKey: value)
        try container.encode(low[keyPath: metric], forKey: lowEnd)
        try container.encode(high[keyPath: metric], forKey: highEnd)
      }
    }

    /// A line of the table but for the name of the set.
    var cells: [String] {
      func interval(_ metric: KeyPath<DetectionMetrics, Double>) -> String {
        "\(fixed(metrics[keyPath: metric], 3))"
          + " (\(fixed(low[keyPath: metric], 3))–\(fixed(high[keyPath: metric], 3)))"
      }
      return [score] + [\.auroc, \.auprIn, \.auprOut, \.fpr95, \.fpr80].map(interval)
    }
  }
}
