import Foundation
import Gaussians
import Images
import Models
import Training

/// Scores images with a trained model, a batch at a time and each image once: beside the images
/// themselves, memory does not grow with their number.
///
/// ```swift
/// let scorer = try Scorer(TrainedModel(run: "runs/parts"))
/// let table = try scorer.table(of: try DataSet.load("parts"))
/// ```
public struct Scorer {
  public let trained: TrainedModel
  /// What images are ranked among, if anything.
  public let calibration: Calibration?
  /// The scores beyond nats and bits per dimension, in the order of a table's columns.
  public let scores: [Score]
  /// Over how many of the model's orders nats and bits per dimension average the probability of an image.
  /// The other scores and the verdict are of raster order, in which a run is calibrated.
  public var orders = 1
  private let normals: Normals
  private let gaussian: LowRankGaussian?
  let further: FurtherPasses
  private let verdict: ConformalVerdict?
  /// Where in a row's nats and scores the verdict's vector is.
  private let places: [Int]

  /// Scores that need what the run lacks, a calibration or a Gaussian density, are left out.
  ///
  /// Throws a `FileError` for a damaged file of the run, and a `DetectionError` for a calibration of
  /// scores that the run lacks, or for further ones that cannot be had.
  /// - Parameter further: scores that take passes of their own.
  public init(
    _ trained: TrainedModel, calibration: Calibration? = nil,
    further: FurtherScores = FurtherScores()
  ) throws {
    try further.check(trained, calibration)
    self.further = FurtherPasses(trained: trained, other: further.other)
    self.trained = trained
    self.calibration = calibration
    normals = Normals(calibration)
    let gaussian = try trained.gaussian()
    self.gaussian = gaussian
    scores =
      Score.all.filter { score in
        (!score.needs.contains(.normals) || calibration != nil)
          && (!score.needs.contains(.gaussian) || gaussian != nil)
          && score.isOf(trained.configuration.model.image)
      } + further.scores
    let names = ["nats"] + scores.map(\.name)
    places =
      try calibration?.vectors?.scores.map { name in
        guard let place = names.firstIndex(of: name) else {
          throw DetectionError.otherScores(
            path: trained.run.calibrationFile, missing: name)
        }
        return place
      } ?? []
    verdict = calibration?.verdict()
  }

  /// The names of a table's columns beyond nats and bits per dimension: the scores and, last, the verdict
  /// where there is one.
  public var scoreNames: [String] {
    scores.map(\.name) + (verdict == nil ? [] : [Score.verdict])
  }

  /// What judges the rows of this scorer's tables.
  /// - Parameter score: the column to judge by; nil for the verdict or, where there is none, the
  ///   likelihood.
  public func judge(
    by score: String? = nil, falseAlarmRate: Double
  ) throws(DetectionError) -> Judge {
    guard let calibration else { throw .missing("calibration") }
    return try Judge(
      calibration, by: score, of: scoreNames, falseAlarmRate: falseAlarmRate)
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
    let isWhole = try score(
      data,
      visit: { index, row, evidence in
        rows.append(row)
        try visit(index, row, evidence)
      }, progress: progress)
    guard isWhole else { return nil }
    guard rows.isEmpty || rows.contains(where: { $0.nats.isFinite }) else {
      throw DetectionError.nothingFinite(rows[0].path)
    }
    return ScoreTable(scoreNames: scoreNames, rows: rows)
  }

  /// The same without a table: of a part of the images, it may be, none of which has to be likely.
  ///
  /// Throws a `DetectionError` for an image that cannot be judged, and what the closures throw.
  /// - Parameter judge: gives each row its verdict; one of this scorer's own (`judge(by:falseAlarmRate:)`).
  /// - Returns: false where it was stopped.
  public func score(
    _ data: DataSet, judge: Judge? = nil,
    visit: (_ index: Int, ScoreRow, Evidence) throws -> Void,
    progress: (_ images: Int) throws -> Bool = { _ in true }
  ) throws -> Bool {
    var done = 0
    while done < data.count {
      let indices = done..<min(done + trained.model.inferenceBatch, data.count)
      let batch = trained.batch(of: data, indices)
      let averaged =
        orders > 1 ? trained.logProbability(of: batch, orders: orders).map { -$0 } : nil
      let found = scored(batch, data.names[indices], judge)
      for (index, (evidence, row)) in zip(indices, found) {
        var row = try row.get()
        if let nats = averaged?[index - done] {
          (row.nats, row.bitsPerDimension) = (nats, nats / M_LN2 / Double(data.dimension))
        }
        try visit(index, row, evidence)
      }
      done = indices.upperBound
      guard try progress(done) else { return false }
    }
    return true
  }

  /// The evidence of each image of a batch, from one pass of the model, and its row; what follows the pass
  /// is shared out among the threads.
  private func scored(
    _ batch: PixelBatch, _ names: ArraySlice<String>, _ judge: Judge?
  ) -> [(Evidence, Result<ScoreRow, DetectionError>)] {
    let needs = scores.reduce(into: Evidence.Needs()) { $0.formUnion($1.needs) }
    let context = trained.context
    let measures = trained.model.conditionals(batch, in: context).measures(
      of: batch, needs.measures, in: context)
    let (pixels, gaussian) = (trained.configuration.pixels, gaussian)
    let further = further.findings(of: batch, needs)
    let rows = rows(judgedBy: judge)
    var results = [(Evidence, Result<ScoreRow, DetectionError>)?](
      repeating: nil, count: batch.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each place is written once, by one thread.
      nonisolated(unsafe) let results = results
      let some = max(1, min(8, batch.count / 8))
      context.backend.concurrently((batch.count + some - 1) / some) { part in
        let places = part * some..<min(batch.count, (part + 1) * some)
        let gaussians = gaussian.map { density in
          GaussianEvidence.of(places.map { pixels.image(from: batch, at: $0) }, under: density)
        }
        let evidence = places.map { place in
          Evidence(
            place, of: batch, pixels, measures, needs, gaussians?[place - places.lowerBound],
            further: further[place])
        }
        let found = rows(places.map { names[names.startIndex + $0] }, evidence)
        for (place, result) in zip(places, zip(evidence, found)) { results[place] = result }
      }
    }
    return results.map { $0! }
  }

  /// What makes rows of images' names and their evidence. A verdict that is asked for is reached once, for
  /// its column and for what the judge says.
  private func rows(
    judgedBy judge: Judge?
  ) -> @Sendable ([String], [Evidence]) -> [Result<ScoreRow, DetectionError>] {
    let (scores, normals, verdict, places) = (scores, normals, verdict, places)
    return { names, evidence in
      let rows = zip(names, evidence).map { name, evidence in
        ScoreRow(
          path: name, nats: evidence.nats,
          bitsPerDimension: evidence.bits / Double(evidence.dimension),
          scores: scores.map { $0.value(evidence, normals) })
      }
      let judged = judge?.verdicts(on: rows)
      let column: [Double]? = verdict.map { verdict in
        if judge?.score == Score.verdict, let judged {
          return judged.map { (try? $0.get().oddness) ?? .nan }
        }
        return verdict.oddness(
          ofRows: Rows(rows.map { row in places.map { $0 == 0 ? row.nats : row.scores[$0 - 1] } }))
      }
      return rows.indices.map { index in
        var row = rows[index]
        if let column { row.scores.append(column[index]) }
        do throws(DetectionError) {
          row.verdict = try judged?[index].get()
          return .success(row)
        } catch {
          return .failure(error)
        }
      }
    }
  }

  /// The calibration that held-out normal images make.
  /// - Parameters:
  ///   - description: what the images are, in words.
  ///   - heldOut: whether none of them was trained or validated on; nil where that is not known.
  ///   - groups: of each image the number of its group of alike ones, which stay together; nil for
  ///     near-duplicates.
  ///   - progress: called after each batch with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  public func calibration(
    of data: DataSet, _ description: String, heldOut: Bool? = nil, groups: [Int]? = nil,
    progress: (_ images: Int) -> Bool = { _ in true }
  ) throws -> Calibration? {
    var surprise = NormalSurprise.Sums(height: data.height, width: data.width)
    let table = try table(
      of: data, visit: { _, _, evidence in surprise.add(evidence.surpriseMap) }, progress: progress)
    guard let table else { return nil }
    var columns = ["nats": table.rows.map(\.nats)]
    for score in scores { columns[score.name] = table.values(of: score.name) }
    let normal = surprise.normal
    return try Calibration(
      scores: columns, data: description, weights: trained.weightsFingerprint,
      heldOut: heldOut, precision: trained.context.precision.rawValue, surprise: normal,
      vectors: vectors(
        of: table, aligned: normal.isAligned, groups ?? data.nearDuplicateGroups()),
      against: further.other?.weightsFingerprint)
  }

  /// What a verdict is learned from; nil where images are too few.
  private func vectors(
    of table: ScoreTable, aligned: Bool, _ groups: [Int]
  ) -> Calibration.Vectors? {
    guard table.rows.count >= ConformalVerdict.fewest else { return nil }
    let parts = ([.likelihood] + scores).filter {
      $0.verdictTail != nil && (aligned || !$0.isOfPlace)
    }
    let columns = parts.map { table.values(of: $0.name)! }
    return Calibration.Vectors(
      scores: parts.map(\.name), tails: parts.map { $0.verdictTail! },
      values: table.rows.indices.map { row in columns.map { $0[row] } },
      groups: groups)
  }
}

extension TrainedModel {
  /// An image of a data set as the model sees it.
  public func image(of data: DataSet, at index: Int) -> Image {
    configuration.pixels.image(from: batch(of: data, CollectionOfOne(index)), at: 0)
  }
}
