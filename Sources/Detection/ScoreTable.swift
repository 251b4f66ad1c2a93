/// What was found out about one image.
public struct ScoreRow: Equatable, Sendable {
  /// The rank among normal images and what follows from it.
  public struct Verdict: Equatable, Sendable {
    /// 0 < p ≤ 1.
    public var pValue: Double
    /// p was within the false-alarm rate that was asked for.
    public var flagged: Bool

    public init(pValue: Double, flagged: Bool) {
      self.pValue = pValue
      self.flagged = flagged
    }
  }

  /// The file, as it was found.
  public var path: String
  /// −log p(x) of the whole image, in nats.
  public var nats: Double
  /// The same in bits a sub-pixel: nats / (H·W·C · ln 2).
  public var bitsPerDimension: Double
  /// The other scores, in the order of the table's `scoreNames`.
  public var scores: [Double]
  /// Where the run is calibrated.
  public var verdict: Verdict?

  public init(
    path: String, nats: Double, bitsPerDimension: Double, scores: [Double] = [],
    verdict: Verdict? = nil
  ) {
    self.path = path
    self.nats = nats
    self.bitsPerDimension = bitsPerDimension
    self.scores = scores
    self.verdict = verdict
  }
}

/// The scores of many images, a row each; all rows have the same columns.
public struct ScoreTable: Equatable, Sendable {
  /// The names of the scores beyond nats and bits per dimension.
  public let scoreNames: [String]
  public let rows: [ScoreRow]

  /// Every row needs one value for each of `scoreNames`, and a verdict either all or none.
  public init(scoreNames: [String] = [], rows: [ScoreRow]) {
    for row in rows {
      precondition(
        row.scores.count == scoreNames.count,
        "\(row.path) needs \(scoreNames.count) scores, found \(row.scores.count)")
      precondition(
        (row.verdict == nil) == (rows[0].verdict == nil),
        "either all rows have a verdict or none, \(row.path) differs from the first")
    }
    self.scoreNames = scoreNames
    self.rows = rows
  }

  /// The rows have p-values. An empty table has none.
  public var isCalibrated: Bool { rows.first?.verdict != nil }

  /// One column by its name in the CSV header, `nats` and `bits_per_dimension` included; nil where there
  /// is none.
  public func values(of score: String) -> [Double]? {
    switch score {
    case "nats": return rows.map(\.nats)
    case "bits_per_dimension": return rows.map(\.bitsPerDimension)
    default:
      guard let column = scoreNames.firstIndex(of: score) else { return nil }
      return rows.map { $0.scores[column] }
    }
  }

  /// The same rows, the oddest first: by p-value where there is one, then by verdict where there is one,
  /// then by nats; NaN comes last.
  public var oddestFirst: ScoreTable {
    ScoreTable(scoreNames: scoreNames, rows: oddestOrder.map { rows[$0] })
  }

  /// Where the rows of `oddestFirst` stand in this table.
  public var oddestOrder: [Int] {
    let column = scoreNames.firstIndex(of: "verdict")
    func key(_ row: ScoreRow) -> (Double, Double, Double) {
      (
        row.verdict?.pValue ?? 0, column.map { -row.scores[$0] } ?? 0,
        row.nats.isNaN ? .infinity : -row.nats
      )
    }
    return rows.indices.sorted { key(rows[$0]) < key(rows[$1]) }
  }

  /// How many rows are flagged.
  public var flaggedCount: Int { rows.count { $0.verdict?.flagged == true } }
}
