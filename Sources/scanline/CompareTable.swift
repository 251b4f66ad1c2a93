import Detection

extension CompareSets {
  /// A table with aligned columns; whole paths would fill it.
  func table(_ pairs: [(outOf: String, cells: [String])]) -> String {
    let header = ["out of", "score", "AUROC", "AUPR in", "AUPR out", "FPR95", "FPR80"]
    let names = Dictionary(zip(others, shortNames(of: others))) { first, _ in first }
    let lines = [header] + pairs.map { [names[$0.outOf]!] + $0.cells }
    let widths = header.indices.map { column in lines.map { $0[column].count }.max()! }
    return lines.map { line in
      zip(line, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  /// A line of the table but for the name of the set.
  func cells(_ pair: Comparison.Pair) -> [String] {
    func interval(_ metric: KeyPath<DetectionMetrics, Double>) -> String {
      let (low, high) = (pair.low[keyPath: metric], pair.high[keyPath: metric])
      return "\(fixed(pair.metrics[keyPath: metric], 3)) (\(fixed(low, 3))–\(fixed(high, 3)))"
    }
    return [pair.score] + [\.auroc, \.auprIn, \.auprOut, \.fpr95, \.fpr80].map(interval)
  }
}
