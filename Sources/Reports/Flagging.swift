import Detection
import Files
import Foundation
import Images

/// Finds the images of a source that do not belong, and writes what a person needs to judge for
/// themselves: tables, a contact sheet, a page and heat maps.
///
/// ```swift
/// let flagging = Flagging(scorer: scorer, calibration: calibration, falseAlarmRate: 0.01)
/// let summary = try flagging.write(ImageSource("incoming"), to: "report")
/// ```
///
/// Each image is read and computed once, and what was found is kept in a journal in the folder: a call
/// that was stopped or killed is gone on with, and shards of a source that were inspected apart are
/// merged (`Shards`) to what one call would have written. Beside a row an image, memory holds pictures of
/// the oddest alone.
public struct Flagging {
  /// Which of the flagged images get a heat map of their own in `heatmaps/`.
  public enum HeatMaps: String, CaseIterable, Sendable {
    case none
    /// Of the oddest, `FlagReport.limit` at most.
    case shown
    case all
  }

  /// What is being done, for progress.
  public enum Stage: String, Sendable {
    case scoring
    case writingHeatMaps = "writing heat maps"
  }

  /// What was found and written.
  public struct Summary: Sendable {
    public var images: Int
    public var flagged: Int
    public var falseAlarmRate: Double
    public var falseDiscoveryRate: Double?
    public var calibrationImages: Int
    /// The page, and the tables beside it.
    public var report: String
    public var scores: String
    /// Where the images are, the files that could not be read, and those with a flaw.
    public var place: ImagePlace
    public var skipped: [FileRemark]
    public var flawed: [FileRemark]
    /// Heat maps that were asked for but not written, of how many, and why the first was not.
    public var missingHeatMaps = 0
    public var heatMaps = 0
    public var reason: String?
  }

  /// What was found in one of several parts.
  public struct Part: Sendable {
    public var images: Int
    /// Within the false-alarm rate.
    public var flagged: Int
    public var place: ImagePlace
    public var skipped: [FileRemark]
    public var flawed: [FileRemark]
  }

  private enum Detector {
    case scorer(Scorer, Calibration)
    case experts(Experts)
  }

  private let detector: Detector
  public var falseAlarmRate: Double
  /// The share of the flagged that may be normal, in place of the false-alarm rate: by one model alone.
  public var falseDiscoveryRate: Double?
  /// The score to judge by; nil for the calibration's default: by one model alone.
  public var score: String?
  public var heatMaps = HeatMaps.shown
  /// Whether a file that cannot be read is an error.
  public var strict = false
  /// The words of the command line, for the page.
  public var command: [String] = []

  /// By one model, of images as large as it has learned.
  public init(scorer: Scorer, calibration: Calibration, falseAlarmRate: Double) {
    detector = .scorer(scorer, calibration)
    self.falseAlarmRate = falseAlarmRate
  }

  /// By both experts of a run, of images of any size.
  public init(experts: Experts, falseAlarmRate: Double) {
    detector = .experts(experts)
    self.falseAlarmRate = falseAlarmRate
  }

  /// The journal in the folder of a whole call, and in that of a shard.
  static func journal(in folder: String, isPart: Bool) -> String {
    joined(folder, isPart ? "shard.journal" : ".journal")
  }

  /// Judges the images of a source and writes `scores.csv`, `scores.jsonl` (with `regions`, by both
  /// experts), `contact-sheet.png`, `report.html` and `heatmaps/` to a folder. A heat map that cannot be
  /// written is counted and costs no more.
  /// - Parameters:
  ///   - source: all images.
  ///   - resume: whether to go on with what an earlier call to the same folder has found.
  ///   - progress: called now and then with the images done of how many; answers whether to go on.
  /// - Returns: nil where it was stopped before the page was written; stopped later, it lacks heat
  ///   maps.
  /// - Throws: `FileError`, also for a journal of other images or settings; `DetectionError`.
  public func write(
    _ source: ImageSource, to folder: String, resume: Bool = false,
    progress: (Stage, _ done: Int, _ total: Int) -> Bool = { _, _, _ in true }
  ) throws -> Summary? {
    precondition(source.shard == nil, "a shard has no report of its own")
    guard
      let job = try inspect(
        source, to: folder, resume: resume, { progress(.scoring, $0, source.count) })
    else { return nil }
    let journal = Self.journal(in: folder, isPart: false)
    return try FlagFolder(job: job, journals: [journal]).write(to: folder) {
      progress(.writingHeatMaps, $0, $1)
    }
  }

  /// Judges a shard, of which `Shards` makes a whole with the others: writes `shard.journal` to a folder,
  /// and, by both experts, heat maps.
  /// - Returns: nil where it was stopped.
  public func write(
    part source: ImageSource, to folder: String, resume: Bool = false,
    progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws -> Part? {
    precondition(source.shard != nil, "a whole is no shard")
    guard
      let job = try inspect(
        source, to: folder, resume: resume, { progress($0, source.count) })
    else { return nil }
    let journal = Self.journal(in: folder, isPart: true)
    let found = try Findings(job, [journal], isWhole: false)
    return Part(
      images: found.table.rows.count, flagged: found.table.flaggedCount, place: source.place,
      skipped: found.skipped, flawed: found.flawed)
  }

  /// - Returns: nil where it was stopped.
  private func inspect(
    _ source: ImageSource, to folder: String, resume: Bool, _ progress: (Int) -> Bool
  ) throws -> InspectionJob? {
    let (inspector, page) = try inspection()
    let job = InspectionJob(
      inspector, source, settings(page.score), falseDiscoveryRate: falseDiscoveryRate, page: page)
    try makeFolder(folder)
    let names = HeatMapNames(of: source.allNames)
    var (oddest, others) = (
      Oddest<Void>(limit: FlagFolder.large), Oddest<Void>(limit: OddestPictures.limit)
    )
    let inspecting = Inspecting(
      inspector: inspector, source: source, job: job, strict: strict,
      keep: { index, image, found in
        let place = OddnessPlace(of: image.row, at: index, job.scoreNames)
        let (isOdd, isShown) = (oddest.add(place) {}, others.add(place) {})
        let isFlagged = image.row.verdict!.flagged
        let hasMap = isFlagged && (heatMaps == .all || heatMaps == .shown && isOdd)
        guard let found, isShown || hasMap else { return image }
        var image = image
        let (picture, heat) = found.picture()
        let isWhole = job.picturesAreWhole && (isOdd || hasMap)
        let side = isOdd ? OddestPictures.largeSide : OddestPictures.smallSide
        image.picture = StoredPicture(
          image: isWhole ? picture : picture.within(side), heat: isWhole ? heat : heat.within(side))
        guard hasMap && !job.picturesAreWhole else { return image }
        do {
          let name = names.file(for: image.row.path)
          try FlagFolder.write(sideBySide(picture, heat, scale: page.scale), as: name, to: folder)
          image.heatMap = name
        } catch {
          image.trouble = "\(error)"
        }
        return image
      })
    let journal = Self.journal(in: folder, isPart: source.shard != nil)
    return try inspecting.run(journal: journal, resume: resume, progress: progress) ? job : nil
  }

  /// What inspects images, and what the page says of it.
  private func inspection() throws -> (any Inspector, InspectionJob.Page) {
    func page(
      _ score: String, _ tail: Tail, _ normals: Calibration, _ count: Int, _ scale: HeatScale
    ) -> InspectionJob.Page {
      InspectionJob.Page(
        score: score, tail: tail, falseAlarmRate: falseAlarmRate, normals: normals,
        calibrationImages: count, scale: scale, heatMaps: heatMaps, command: command)
    }
    switch detector {
    case .scorer(let scorer, let calibration):
      // What a false-discovery rate flags is among what the same false-alarm rate would.
      let judge = try Judge(
        calibration, by: score, of: scorer.scoreNames,
        falseAlarmRate: falseDiscoveryRate ?? falseAlarmRate)
      let inspector = ScorerInspector(scorer, judge: judge)
      let normals = try Calibration(
        scores: [judge.score: calibration.ranks(of: judge.score).normal], data: calibration.data,
        heldOut: calibration.heldOut)
      return (
        inspector, page(judge.score, judge.tail, normals, calibration.count, inspector.scale)
      )
    case .experts(let experts):
      precondition(
        falseDiscoveryRate == nil && score == nil, "both experts have one verdict, at one rate")
      let inspector = try ExpertsInspector(experts, falseAlarmRate: falseAlarmRate)
      let count = experts.calibration.held.count
      return (
        inspector, page(Score.verdict, .high, try experts.normals(), count, inspector.scale)
      )
    }
  }

  private func settings(_ score: String) -> [String: String] {
    var settings = ["--score": score, "--heatmaps": heatMaps.rawValue]
    if let falseDiscoveryRate {
      settings["--false-discovery-rate"] = "\(falseDiscoveryRate)"
    } else {
      settings["--false-alarm-rate"] = "\(falseAlarmRate)"
    }
    return settings
  }
}

func joined(_ folder: String, _ name: String) -> String {
  folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}
