import Detection

extension CompareSets {
  /// One set told from the normal images by one score, as `--json` prints it.
  struct Pair: Encodable {
    private let pair: Comparison.Pair
    /// Nil where there is one alone.
    private let run: String?

    init(_ pair: Comparison.Pair, run: String?) {
      self.pair = pair
      self.run = run
    }

    private enum Key: String, CodingKey {
      case run, outOf, score, auroc, aurocLow, aurocHigh, auprIn, auprInLow, auprInHigh, auprOut
      case auprOutLow, auprOutHigh, fpr95, fpr95Low, fpr95High, fpr80, fpr80Low, fpr80High
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encodeIfPresent(run, forKey: .run)
      try container.encode(pair.outOf, forKey: .outOf)
      try container.encode(pair.score, forKey: .score)
      let columns: [(KeyPath<DetectionMetrics, Double>, Key, Key, Key)] = [
        (\.auroc, .auroc, .aurocLow, .aurocHigh), (\.auprIn, .auprIn, .auprInLow, .auprInHigh),
        (\.auprOut, .auprOut, .auprOutLow, .auprOutHigh),
        (\.fpr95, .fpr95, .fpr95Low, .fpr95High), (\.fpr80, .fpr80, .fpr80Low, .fpr80High),
      ]
      for (metric, value, lowEnd, highEnd) in columns {
        try container.encode(pair.metrics[keyPath: metric], forKey: value)
        try container.encode(pair.low[keyPath: metric], forKey: lowEnd)
        try container.encode(pair.high[keyPath: metric], forKey: highEnd)
      }
    }
  }
}
