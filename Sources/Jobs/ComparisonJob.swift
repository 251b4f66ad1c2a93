import Detection
import Images
import Reports
import Training

/// Measures how well each score of a run tells other images from normal ones: reads and scores each set,
/// and compares.
///
/// ```swift
/// let job = ComparisonJob(
///   try TrainedModel(run: "runs/parts"), normal: "held-out", others: ["scratched"])
/// for pair in try job.run()!.comparison.pairs { print(pair.outOf, pair.score, pair.metrics.auroc) }
/// ```
public struct ComparisonJob {
  public enum Event: Sendable {
    case reading(Reading)
    /// The run has seen some of the normal images, which then surprise it less than others will.
    case seen(SeenRemark)
    /// So many images of a path are scored, of so many.
    case scoring(path: String, done: Int, of: Int)
  }

  /// What came of it.
  public struct Outcome: Sendable {
    public let comparison: Comparison
    /// Of sets that have outlines: how well maps point at them. In the order of the paths.
    public let maps: [(outOf: String, accuracy: MapAccuracy)]
    public let reading: ReadingReport
  }

  public let trained: TrainedModel
  /// A folder or a file of held-out normal images.
  public var normal: String
  /// Others of other images.
  public var others: [String]
  /// A folder of outlines of defects, for a run of both experts; see `OutlinedDefects`.
  public var boxes: String?
  /// Scores that take passes of their own, for a run of one model.
  public var further = FurtherScores()
  public var strict = false
  public var followsLinks = false
  /// Keys the bootstrap.
  public var seed: UInt64 = 0

  public init(_ trained: TrainedModel, normal: String, others: [String]) {
    self.trained = trained
    self.normal = normal
    self.others = others
  }

  /// - Parameter watch: told of what happens; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `OptionError` for boxes of a run without maps and for further scores of one of both
  ///   experts, `FileError` for images that cannot be read,
  ///   `DetectionError` for scores that are not numbers.
  public func run(watch: @escaping (Event) -> Bool = { _ in true }) throws -> Outcome? {
    let experts = try Experts(of: trained)
    if boxes != nil && experts == nil {
      throw OptionError(
        "--boxes", expected: "a run of both experts", found: "one of a single model")
    }
    if let score = further.scores.first, experts != nil {
      throw OptionError(
        "--with", expected: "none with a run of both experts", found: score.name)
    }
    let calibration = try experts == nil ? trained.calibration() : nil
    let scorer = try Scorer(
      trained, calibration: calibration, further: further)
    var maps: [(outOf: String, accuracy: MapAccuracy)] = []
    var reading = ReadingReport()
    var tables: [(name: String, table: ScoreTable)] = []
    for path in [normal] + others {
      let scored =
        if let experts {
          try scored(path, by: experts, watch)
        } else {
          try scored(path, by: scorer, watch)
        }
      guard let scored else { return nil }
      tables.append((path, scored.table))
      reading.add(path, skipped: scored.files.skipped, flawed: scored.files.flawed)
      if scored.accuracy.images > 0 { maps.append((path, scored.accuracy)) }
    }
    // The verdict first: it is what is judged by.
    let comparison = try Comparison(
      normal: tables[0].table, others: Array(tables.dropFirst()),
      by: [Score.verdict, "nats"] + scorer.scores.map(\.name), calibration: calibration, seed: seed)
    return Outcome(comparison: comparison, maps: maps, reading: reading)
  }

  private struct Scored {
    var table: ScoreTable
    var files: FilesRead
    var accuracy = MapAccuracy()
  }

  private func scored(
    _ path: String, by scorer: Scorer, _ watch: @escaping (Event) -> Bool
  ) throws -> Scored? {
    let images = try trained.images(at: path, strict: strict, followLinks: followsLinks) {
      watch(.reading($0))
    }
    guard let images else { return nil }
    if path == normal, let overlap = try SeenImages(of: trained.run)?.overlap(with: images) {
      for remark in SeenRemark.remarks(on: overlap, images, path) where !watch(.seen(remark)) {
        return nil
      }
    }
    let table = try scorer.table(
      of: images, progress: { watch(.scoring(path: path, done: $0, of: images.count)) })
    let files = FilesRead(path: path, skipped: images.skipped, flawed: images.flawed)
    return table.map { Scored(table: $0, files: files) }
  }

  /// The same by both experts, and where images have outlines how well maps point at them.
  private func scored(
    _ path: String, by experts: Experts, _ watch: (Event) -> Bool
  ) throws -> Scored? {
    let source = try ImageSource(path, followLinks: followsLinks)
    let outlines = boxes.map(OutlinedDefects.init)
    var accuracy = MapAccuracy()
    // Where too few were held out for the usual rate, maps are measured all the same.
    let needed = try RankPValue.imagesNeeded(falseAlarmRate: 0.05)
    let rate = experts.calibration.held.count >= needed ? 0.05 : 0.5
    let scored = try experts.table(
      of: source, falseAlarmRate: rate, strict: strict,
      visit: { row, evidence, _ in
        guard let found = try outlines?.boxes(of: row.path) else { return }
        accuracy.add(
          evidence.map(reach: experts.local.reach), peak: evidence.peak,
          flagged: row.verdict!.flagged, boxes: found)
      }, progress: { watch(.scoring(path: path, done: $0, of: source.count)) })
    guard let scored else { return nil }
    let files = FilesRead(
      path: path, leftOut: source.leftOut, skipped: scored.skipped, flawed: scored.flawed)
    guard watch(.reading(.done(files))) else { return nil }
    return Scored(table: scored.table, files: files, accuracy: accuracy)
  }
}

/// That a run was trained or validated on some images which are taken as unseen ones.
public struct SeenRemark: Equatable, Sendable, CustomStringConvertible {
  public enum Use: String, Sendable {
    case trained, validated
  }

  public let path: String
  public let use: Use
  /// How many of them were, of how many, and the first one's name.
  public let seen: Int
  public let images: Int
  public let first: String

  package static func remarks(
    on overlap: SeenImages.Overlap, _ images: DataSet, _ path: String
  ) -> [SeenRemark] {
    [(overlap.trained, Use.trained), (overlap.validated, .validated)].compactMap { seen, use in
      seen.first.map { first in
        SeenRemark(
          path: path, use: use, seen: seen.count, images: images.count,
          first: images.names[first])
      }
    }
  }

  public var description: String {
    "\(path): the run was \(use) on \(seen) of these \(images) image\(images == 1 ? "" : "s"), as"
      + " \(first); they surprise it less than others will"
  }
}
