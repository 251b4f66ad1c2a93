import Detection
import Files
import Foundation
import Reports

extension CompareSets {
  /// What several runs say of one set by one score.
  struct Mean: Encodable {
    let outOf: String
    let score: String
    let spread: MetricsSpread

    private enum Key: String, CodingKey {
      case outOf, score, runs, auroc, aurocDeviation, auprIn, auprInDeviation, auprOut
      case auprOutDeviation, fpr95, fpr95Deviation, fpr80, fpr80Deviation
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(outOf, forKey: .outOf)
      try container.encode(score, forKey: .score)
      try container.encode(spread.runs, forKey: .runs)
      let columns: [(KeyPath<DetectionMetrics, Double>, Key, Key)] = [
        (\.auroc, .auroc, .aurocDeviation), (\.auprIn, .auprIn, .auprInDeviation),
        (\.auprOut, .auprOut, .auprOutDeviation), (\.fpr95, .fpr95, .fpr95Deviation),
        (\.fpr80, .fpr80, .fpr80Deviation),
      ]
      for (metric, mean, deviation) in columns {
        try container.encode(spread.mean[keyPath: metric], forKey: mean)
        try container.encode(spread.deviation[keyPath: metric], forKey: deviation)
      }
    }

    /// A line of the table but for the name of the set.
    var cells: [String] {
      [score]
        + [\DetectionMetrics.auroc, \.auprIn, \.auprOut, \.fpr95, \.fpr80].map { metric in
          "\(fixed(spread.mean[keyPath: metric], 3)) ± \(fixed(spread.deviation[keyPath: metric], 3))"
        }
    }
  }

  /// Set by set, score by score, of what all runs have.
  static func means(of runs: [[Comparison.Pair]]) -> [Mean] {
    runs[0].compactMap { first in
      let same = runs.compactMap { pairs in
        pairs.first { $0.outOf == first.outOf && $0.score == first.score }
      }
      guard same.count == runs.count else { return nil }
      return Mean(
        outOf: first.outOf, score: first.score, spread: MetricsSpread(of: same.map(\.metrics)))
    }
  }

  /// Draws the score that is judged by, of all runs.
  func draw(_ runs: [[Comparison.Pair]], to folder: OutputFolder) throws {
    guard let score = runs[0].first?.score else { return }
    let plots = ComparisonPlots(
      of: score,
      runs: runs.map { pairs in
        pairs.filter { $0.score == score }.map {
          .init(outOf: $0.outOf, normal: $0.normal, odd: $0.odd)
        }
      })
    for (name, drawing) in zip(ComparisonPlots.names, [plots.roc, plots.scores]) {
      try AtomicFile.write(Data(drawing.utf8), to: folder.file(name))
    }
  }
}
