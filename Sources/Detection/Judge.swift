import Gaussians

/// Judges images, each by itself: by its verdict or by one score, among those of normal images.
public struct Judge: Sendable {
  /// The column that images are judged by, and which of its values are odd.
  public let score: String
  public let tail: Tail
  private let basis: Basis
  private let falseAlarmRate: Double

  private enum Basis: Sendable {
    /// Of a vector of columns, by their names and their places.
    case verdict(ConformalVerdict, names: [String], places: [Int])
    /// Of one column.
    case ranks(RankPValue, Tails, place: Int)
  }

  /// - Parameters:
  ///   - score: the column to judge by; nil for the calibration's default.
  ///   - columns: the names of the scores of the rows to be judged, beyond nats and bits per dimension.
  /// - Throws: where the normal images are too few for the rate, or a column is missing.
  public init(
    _ calibration: Calibration, by score: String? = nil, of columns: [String],
    falseAlarmRate: Double
  ) throws(DetectionError) {
    let all = ["nats", "bits_per_dimension"] + columns
    func place(_ name: String) throws(DetectionError) -> Int {
      guard let place = all.firstIndex(of: name) else { throw .unknownScore(name, known: all) }
      return place
    }
    self.score = score ?? calibration.defaultScore
    self.falseAlarmRate = falseAlarmRate
    tail = Score.oddTail(of: self.score)
    try calibration.requireEnoughImages(falseAlarmRate: falseAlarmRate, by: self.score)
    if self.score == Score.verdict, let verdict = calibration.verdict(),
      let names = calibration.vectors?.scores
    {
      var places: [Int] = []
      for name in names { places.append(try place(name)) }
      basis = .verdict(verdict, names: names, places: places)
    } else {
      let ranks = try calibration.ranks(of: self.score)
      basis = .ranks(ranks, Tails(of: ranks.normal), place: try place(self.score))
    }
  }

  /// How odd the normal images are that images are ranked among, as `ScoreRow.Verdict.oddness`.
  public var normal: [Double] {
    switch basis {
    case .verdict(let model, _, _): model.normal
    case .ranks(let ranks, let tails, _):
      tail == .high ? ranks.normal : ranks.normal.map { tails.oddness(of: $0, tail) }
    }
  }

  /// Throws where what the image is judged by is NaN.
  public func verdict(on row: ScoreRow) throws(DetectionError) -> ScoreRow.Verdict {
    try verdicts(on: [row])[0].get()
  }

  /// The verdict on each of some images, or why there is none: quicker than one by one.
  public func verdicts(on rows: [ScoreRow]) -> [Result<ScoreRow.Verdict, DetectionError>] {
    switch basis {
    case .verdict(let model, let names, let places):
      guard !rows.isEmpty else { return [] }
      let vectors = Rows(rows.map { row in places.map { Self.value($0, in: row) } })
      return zip(rows, model.verdicts(on: vectors)).map { row, found in
        guard !row.nats.isNaN else {
          return .failure(.notANumber(score: "nats", where: row.path))
        }
        return .success(
          ScoreRow.Verdict(
            pValue: found.pValue, flagged: found.pValue <= falseAlarmRate,
            oddness: found.oddness, parts: Self.parts(names, found.parts)))
      }
    case .ranks(let ranks, let tails, let place):
      return rows.map { row in
        Result { () throws(DetectionError) in
          if row.nats.isNaN { throw .notANumber(score: "nats", where: row.path) }
          let value = Self.value(place, in: row)
          if value.isNaN { throw .notANumber(score: score, where: row.path) }
          let pValue = try ranks.pValue(of: value, tail: tail)
          return ScoreRow.Verdict(
            pValue: pValue, flagged: pValue <= falseAlarmRate,
            oddness: tail == .high ? value : tails.oddness(of: value, tail))
        }
      }
    }
  }

  private static func value(_ place: Int, in row: ScoreRow) -> Double {
    place == 0 ? row.nats : place == 1 ? row.bitsPerDimension : row.scores[place - 2]
  }

  /// The three scores that count most, those that count at all.
  private static func parts(
    _ names: [String], _ parts: [(normalScore: Double, share: Double)]
  ) -> [ScoreRow.Part] {
    let whole = parts.reduce(0) { $0 + max(0, $1.share) }
    guard whole > 0 else { return [] }
    return zip(names, parts).filter { $1.share > 0 }.sorted { $0.1.share > $1.1.share }.prefix(3)
      .map { name, part in
        ScoreRow.Part(score: name, share: part.share / whole, isHigh: part.normalScore >= 0)
      }
  }
}

extension Calibration {
  /// Of how many normal images a p-value is a rank among.
  public func rankedImages(by score: String? = nil) -> Int {
    guard (score ?? defaultScore) == Score.verdict, let vectors else { return count }
    return ConformalVerdict.rankedImages(of: vectors.groups)
  }

  /// Throws unless the least p-value that there can be is within `rate`.
  public func requireEnoughImages(
    falseAlarmRate rate: Double, by score: String? = nil
  ) throws(DetectionError) {
    let tail = Score.oddTail(of: score ?? defaultScore)
    let needed = try RankPValue.imagesNeeded(falseAlarmRate: rate, tail: tail)
    let found = rankedImages(by: score)
    guard found < needed else { return }
    // Those that a verdict is fitted on are no ranks.
    let spent = count - found
    throw .tooFewNormalImages(falseAlarmRate: rate, needed: needed + spent, found: count)
  }
}

extension ScoreTable {
  /// The same rows with their p-values among the normal images, and flagged where these are within the
  /// false-alarm rate.
  ///
  /// Throws where the normal images are too few for the rate, or what an image is judged by is NaN.
  public func judged(
    by calibration: Calibration, falseAlarmRate: Double
  ) throws(DetectionError) -> ScoreTable {
    try judged(by: Judge(calibration, of: scoreNames, falseAlarmRate: falseAlarmRate))
  }

  public func judged(by judge: Judge) throws(DetectionError) -> ScoreTable {
    var judged = rows
    for (index, verdict) in judge.verdicts(on: rows).enumerated() {
      judged[index].verdict = try verdict.get()
    }
    return ScoreTable(scoreNames: scoreNames, rows: judged)
  }
}
