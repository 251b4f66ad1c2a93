import Detection

/// The drawings of a comparison: the ROC curves of one score by all runs, `roc.svg`, and how the score of the
/// first run is spread, `scores.svg`.
public struct ComparisonPlots {
  /// A set of other images and a score by one run: what is odder the higher it is.
  public struct Scores: Sendable {
    public let outOf: String
    public let normal: [Double]
    public let odd: [Double]

    public init(outOf: String, normal: [Double], odd: [Double]) {
      self.outOf = outOf
      self.normal = normal
      self.odd = odd
    }
  }

  public static let names = ["roc.svg", "scores.svg"]

  private let score: String
  private let runs: [[Scores]]

  /// - Parameters:
  ///   - score: its name.
  ///   - runs: of each run the same sets, in one order.
  public init(of score: String, runs: [[Scores]]) {
    precondition(
      runs.allSatisfy { $0.map(\.outOf) == runs[0].map(\.outOf) }, "runs with other sets")
    self.score = score
    self.runs = runs
  }

  public var roc: String {
    ROCPlot(
      title: "ROC of \(score)",
      series: (runs.first ?? []).indices.map { place in
        ROCPlot.Series(
          name: runs[0][place].outOf,
          curves: runs.map { ROCCurve(normal: $0[place].normal, odd: $0[place].odd) })
      }
    ).svg
  }

  public var scores: String {
    let first = runs.first ?? []
    return ScoresPlot(
      title: runs.count > 1 ? "\(score), by the first of \(runs.count) runs" : score,
      label: "\(score), odder to the right", normal: first.first?.normal ?? [],
      others: first.map { ($0.outOf, $0.odd) }
    ).svg
  }
}
