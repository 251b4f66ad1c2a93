/// What was found out about one image.
public struct ScoreRow: Equatable, Sendable {
  /// The rank among normal images and what follows from it.
  public struct Verdict: Equatable, Sendable {
    /// 0 < p ≤ 1.
    public var pValue: Double
    /// p was within the false-alarm rate that was asked for.
    public var flagged: Bool
    /// How odd the score is, higher being odder, by which images of one p-value are ordered; nil for the
    /// likelihood's.
    public var oddness: Double?
    /// Which scores made it so, the one that counts most first; empty where it is judged by one score.
    public var parts: [Part]

    public init(pValue: Double, flagged: Bool, oddness: Double? = nil, parts: [Part] = []) {
      self.pValue = pValue
      self.flagged = flagged
      self.oddness = oddness
      self.parts = parts
    }
  }

  /// What one score has in a verdict.
  public struct Part: Equatable, Sendable, Codable {
    public var score: String
    /// The share of what makes the image odd, 0 … 1.
    public var share: Double
    /// Higher than that of normal images, or lower.
    public var isHigh: Bool

    public init(score: String, share: Double, isHigh: Bool) {
      self.score = score
      self.share = share
      self.isHigh = isHigh
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

  /// The same rows, flagged so that on average at most a share `rate` of the flagged are normal
  /// (``benjaminiHochberg(_:rate:)``). They have verdicts.
  public func flagged(falseDiscoveryRate rate: Double) -> ScoreTable {
    let flags = benjaminiHochberg(rows.map { $0.verdict!.pValue }, rate: rate)
    return ScoreTable(
      scoreNames: scoreNames,
      rows: zip(rows, flags).map { row, flag in
        var row = row
        row.verdict!.flagged = flag
        return row
      })
  }

  /// The same rows, the oddest first: by p-value where there is one, then by how odd the score that it
  /// rests on is, then by nats; NaN comes last.
  public var oddestFirst: ScoreTable {
    ScoreTable(scoreNames: scoreNames, rows: oddestOrder.map { rows[$0] })
  }

  /// Where the rows of `oddestFirst` stand in this table.
  public var oddestOrder: [Int] {
    let places = rows.enumerated().map { OddnessPlace(of: $1, at: $0, scoreNames) }
    return rows.indices.sorted { places[$0] < places[$1] }
  }

  /// How many rows are flagged.
  public var flaggedCount: Int { rows.count { $0.verdict?.flagged == true } }
}

/// Where a row stands among others: the less, the odder.
package struct OddnessPlace: Comparable, Sendable {
  private let pValue, oddness, nats: Double
  package let index: Int

  /// - Parameter index: its place in the table, the order of rows that are alike.
  package init(of row: ScoreRow, at index: Int, _ scoreNames: [String]) {
    let found = Self.oddness(of: row, scoreNames)
    pValue = row.verdict?.pValue ?? 0
    oddness = found.isNaN ? .infinity : -found
    nats = row.nats.isNaN ? .infinity : -row.nats
    self.index = index
  }

  /// What images of one p-value are ordered by.
  package static func oddness(of row: ScoreRow, _ scoreNames: [String]) -> Double {
    let column = scoreNames.firstIndex(of: Score.verdict)
    return row.verdict?.oddness ?? column.map { row.scores[$0] } ?? row.nats
  }

  package static func < (a: OddnessPlace, b: OddnessPlace) -> Bool {
    (a.pValue, a.oddness, a.nats, a.index) < (b.pValue, b.oddness, b.nats, b.index)
  }
}
