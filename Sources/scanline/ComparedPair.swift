import Detection
import Randomness

extension CompareSets {
  /// One set told from the normal images by one score.
  struct Pair: Encodable {
    let outOf: String
    let score: String
    let metrics: DetectionMetrics
    let low: DetectionMetrics
    let high: DetectionMetrics

    init(
      outOf: String, _ column: Oddness, _ normal: ScoreTable, _ other: ScoreTable, seed: UInt64
    ) throws {
      self.outOf = outOf
      score = column.score
      let (normal, odd) = (column.values(in: normal), column.values(in: other))
      metrics = try DetectionMetrics(normal: normal, odd: odd)
      var stream = RandomStream(seed: seed, "bootstrap/\(outOf)/\(score)")
      (low, high) = try DetectionMetrics.bootstrap(normal: normal, odd: odd, using: &stream)
    }

    private enum Key: String, CodingKey {
      case outOf, score, auroc, aurocLow, aurocHigh, auprIn, auprInLow, auprInHigh, auprOut
      case auprOutLow, auprOutHigh, fpr95, fpr95Low, fpr95High, fpr80, fpr80Low, fpr80High
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
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
