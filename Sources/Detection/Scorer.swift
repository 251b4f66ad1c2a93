import Images
import Models
import Training

/// Scores images with a trained model, a batch at a time and each image once: beside the images
/// themselves, memory does not grow with their number.
///
/// ```swift
/// let scorer = Scorer(try TrainedModel(run: "runs/parts"))
/// let table = try scorer.table(of: try DataSet.load("parts"))
/// ```
public struct Scorer {
  public let trained: TrainedModel
  /// What images are ranked among, if anything.
  public let calibration: Calibration?
  /// The scores beyond nats and bits per dimension, in the order of a table's columns.
  public let scores: [Score]
  private let normals: Normals

  /// Without a calibration the scores that need one are left out.
  public init(_ trained: TrainedModel, calibration: Calibration? = nil) {
    self.trained = trained
    self.calibration = calibration
    normals = Normals(calibration)
    scores = Score.all.filter { !$0.needs.contains(.normals) || calibration != nil }
  }

  /// All scores of all images, in their order, without verdicts.
  ///
  /// Throws where not one image has a finite likelihood, and what `visit` throws.
  /// - Parameters:
  ///   - visit: called for each image as it is scored, in their order.
  ///   - progress: called after each batch with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  public func table(
    of data: DataSet, visit: (_ index: Int, ScoreRow, Evidence) throws -> Void = { _, _, _ in },
    progress: (_ images: Int) -> Bool = { _ in true }
  ) throws -> ScoreTable? {
    var rows: [ScoreRow] = []
    rows.reserveCapacity(data.count)
    while rows.count < data.count {
      let first = rows.count
      let indices = first..<min(first + trained.model.inferenceBatch, data.count)
      for (index, (evidence, values)) in zip(indices, scored(trained.batch(of: data, indices))) {
        let row = ScoreRow(
          path: data.names[index], nats: evidence.nats,
          bitsPerDimension: evidence.bits / Double(data.dimension), scores: values)
        rows.append(row)
        try visit(index, row, evidence)
      }
      guard progress(rows.count) else { return nil }
    }
    guard rows.isEmpty || rows.contains(where: { $0.nats.isFinite }) else {
      throw DetectionError.nothingFinite(rows[0].path)
    }
    return ScoreTable(scoreNames: scores.map(\.name), rows: rows)
  }

  /// The evidence of each image of a batch, from one pass of the model, and the scores' values.
  private func scored(_ batch: PixelBatch) -> [(Evidence, [Double])] {
    let needs = scores.reduce(into: Evidence.Needs()) { $0.formUnion($1.needs) }
    let measures = Measures(
      of: batch, under: trained.model.conditionals(batch, in: trained.context), needs)
    var results = [(Evidence, [Double])?](repeating: nil, count: batch.count)
    results.withUnsafeMutableBufferPointer { results in
      onEveryThread(batch.count) { place in
        let evidence = Evidence(place, of: batch, trained.configuration.pixels, measures, needs)
        results[place] = (evidence, scores.map { $0.value(evidence, normals) })
      }
    }
    return results.map { $0! }
  }

  /// The calibration that held-out normal images make.
  /// - Parameters:
  ///   - description: what the images are, in words.
  ///   - heldOut: whether none of them was trained or validated on; nil where that is not known.
  ///   - progress: called after each batch with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  public func calibration(
    of data: DataSet, _ description: String, heldOut: Bool? = nil,
    progress: (_ images: Int) -> Bool = { _ in true }
  ) throws -> Calibration? {
    var surprise = NormalSurprise.Sums(width: data.width, height: data.height)
    let table = try table(
      of: data, visit: { _, _, evidence in surprise.add(evidence.surpriseMap) }, progress: progress)
    guard let table else { return nil }
    var columns = ["nats": table.rows.map(\.nats)]
    for name in table.scoreNames { columns[name] = table.values(of: name) }
    return try Calibration(
      scores: columns, data: description, weights: trained.weightsFingerprint,
      heldOut: heldOut, precision: trained.context.precision.rawValue, surprise: surprise.normal)
  }
}

extension TrainedModel {
  /// An image of a data set as the model sees it.
  public func image(of data: DataSet, at index: Int) -> Image {
    configuration.pixels.image(from: batch(of: data, CollectionOfOne(index)), at: 0)
  }
}

extension ScoreTable {
  /// The same rows with the rank p-value of their nats among the normal images, and flagged where it
  /// is within the false-alarm rate.
  ///
  /// Throws where the normal images are too few for the rate, or an image's nats are NaN.
  public func judged(
    by calibration: Calibration, falseAlarmRate: Double
  ) throws(DetectionError) -> ScoreTable {
    try judged(by: Judge(calibration, falseAlarmRate: falseAlarmRate))
  }

  public func judged(by judge: Judge) throws(DetectionError) -> ScoreTable {
    var judged = rows
    for index in rows.indices { judged[index].verdict = try judge.verdict(on: rows[index]) }
    return ScoreTable(scoreNames: scoreNames, rows: judged)
  }
}

/// Judges one image after the other, by the rank of its nats among those of normal ones.
public struct Judge: Sendable {
  private let ranks: RankPValue
  private let falseAlarmRate: Double

  /// Throws where the normal images are too few for the rate.
  public init(_ calibration: Calibration, falseAlarmRate: Double) throws(DetectionError) {
    ranks = try calibration.ranks(of: "nats")
    try ranks.requireEnoughImages(falseAlarmRate: falseAlarmRate)
    self.falseAlarmRate = falseAlarmRate
  }

  /// Throws where the image's nats are NaN.
  public func verdict(on row: ScoreRow) throws(DetectionError) -> ScoreRow.Verdict {
    if row.nats.isNaN { throw .notANumber(score: "nats", where: row.path) }
    let pValue = try ranks.pValue(of: row.nats)
    return ScoreRow.Verdict(pValue: pValue, flagged: pValue <= falseAlarmRate)
  }
}
