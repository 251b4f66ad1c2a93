import Foundation
import Images
import Models
import Training

/// Scores images with a trained model, a batch at a time: beside the images themselves, memory does
/// not grow with their number.
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

  /// Without a calibration the scores that need one are left out.
  public init(_ trained: TrainedModel, calibration: Calibration? = nil) {
    self.trained = trained
    self.calibration = calibration
    scores = Score.all.filter { !$0.needsCalibration || calibration != nil }
  }

  /// All scores of all images, in their order, without verdicts.
  /// - Parameters:
  ///   - visit: called for each image as it is scored.
  ///   - progress: called after each batch with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  public func table(
    of data: DataSet, visit: (_ index: Int, Evidence) throws -> Void = { _, _ in },
    progress: (_ images: Int) -> Bool = { _ in true }
  ) throws -> ScoreTable? {
    var rows: [ScoreRow] = []
    let finished = try forEach(data.names.indices, of: data, progress: progress) {
      index, evidence in
      rows.append(
        ScoreRow(
          path: data.names[index], nats: evidence.nats,
          bitsPerDimension: evidence.nats / (Double(data.dimension) * M_LN2),
          scores: try scores.map { try $0.value(evidence, calibration) }))
      try visit(index, evidence)
    }
    return finished ? ScoreTable(scoreNames: scores.map(\.name), rows: rows) : nil
  }

  /// Looks at some images of a data set, in the given order.
  /// - Parameter progress: called after each batch with the images done; answers whether to go on.
  /// - Returns: false where it was stopped.
  @discardableResult
  public func forEach(
    _ indices: some RandomAccessCollection<Int>, of data: DataSet,
    progress: (_ images: Int) -> Bool = { _ in true },
    _ body: (_ index: Int, Evidence) throws -> Void
  ) rethrows -> Bool {
    let dimension = data.dimension
    let context = trained.context
    var rest = indices[...]
    while !rest.isEmpty {
      let chosen = rest.prefix(trained.model.inferenceBatch)
      rest = rest.dropFirst(chosen.count)
      let batch = trained.batch(of: data, chosen)
      let conditionals = trained.model.conditionals(batch, in: context)
      let terms = conditionals.logProbability(of: batch, in: context).value.values
      for (place, index) in chosen.enumerated() {
        try body(
          index,
          Evidence(
            image: trained.configuration.pixels.image(from: batch, at: place),
            logProbabilities: Array(terms[place * dimension..<(place + 1) * dimension]),
            conditionals: conditionals, place: place))
      }
      guard progress(indices.count - rest.count) else { return false }
    }
    return true
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
    let ranks = try calibration.ranks(of: "nats")
    try ranks.requireEnoughImages(falseAlarmRate: falseAlarmRate)
    if let row = rows.first(where: { $0.nats.isNaN }) {
      throw .notANumber(score: "nats", where: row.path)
    }
    var judged = rows
    let pValues = try rows.map { row throws(DetectionError) in try ranks.pValue(of: row.nats) }
    for (i, isFlagged) in flags(pValues, falseAlarmRate: falseAlarmRate).enumerated() {
      judged[i].verdict = ScoreRow.Verdict(pValue: pValues[i], flagged: isFlagged)
    }
    return ScoreTable(scoreNames: scoreNames, rows: judged)
  }

  /// The calibration that these rows make, as scores of held-out normal images.
  /// - Parameters:
  ///   - description: what the images are, in words.
  ///   - heldOut: whether none of them was trained or validated on; nil where that is not known.
  public func calibration(
    _ description: String, of trained: TrainedModel, heldOut: Bool? = nil
  ) throws(DetectionError) -> Calibration {
    var columns = ["nats": rows.map(\.nats)]
    for name in scoreNames { columns[name] = values(of: name) }
    return try Calibration(
      scores: columns, data: description, weights: trained.weightsFingerprint,
      heldOut: heldOut)
  }
}
