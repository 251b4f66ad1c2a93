import Detection
import Files
import Images

/// Finds the images of a data set that do not belong, and writes what a person needs to judge for
/// themselves: tables, a contact sheet, a page and heat maps.
///
/// ```swift
/// let flagging = Flagging(scorer: scorer, calibration: calibration, falseAlarmRate: 0.01)
/// let summary = try flagging.write(incoming, named: "incoming", to: "report")
/// ```
///
/// Each image is computed once. Beside the images, memory holds a row an image, the pictures of the page
/// (`OddestPictures`) and `FlagReport.limit` heat maps; others, where asked for, wait in a file.
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
    /// The page, and the tables beside it.
    public var report: String
    public var scores: String
    /// Heat maps that were asked for but not written, of how many, and why the first was not.
    public var missingHeatMaps = 0
    public var heatMaps = 0
    public var reason: String?
  }

  public let scorer: Scorer
  public let calibration: Calibration
  public var falseAlarmRate: Double
  /// The share of the flagged that may be normal, in place of the false-alarm rate.
  public var falseDiscoveryRate: Double?
  /// The score to judge by; nil for the calibration's default.
  public var score: String?
  public var heatMaps = HeatMaps.shown
  /// The words of the command line, for the page.
  public var command: [String] = []
  /// The folder that the images' names are relative to, for links to them.
  public var originals: String?

  public init(scorer: Scorer, calibration: Calibration, falseAlarmRate: Double) {
    self.scorer = scorer
    self.calibration = calibration
    self.falseAlarmRate = falseAlarmRate
  }

  /// Judges `data` and writes `scores.csv`, `scores.jsonl`, `contact-sheet.png`, `report.html` to a
  /// folder, and then `heatmaps/`. A heat map that cannot be written is counted and costs no more.
  /// - Parameters:
  ///   - name: what the page calls the data.
  ///   - progress: called now and then with the images done of how many; answers whether to go on.
  /// - Returns: nil where it was stopped before the page was written; stopped later, it lacks heat
  ///   maps.
  public func write(
    _ data: DataSet, named name: String, to folder: String,
    progress: (Stage, _ done: Int, _ total: Int) -> Bool = { _, _, _ in true }
  ) throws -> Summary? {
    // What a false-discovery rate flags is among what the same false-alarm rate would.
    let judge = try Judge(
      calibration, by: score, of: scorer.scoreNames,
      falseAlarmRate: falseDiscoveryRate ?? falseAlarmRate)
    try makeFolder(folder)
    let scale = HeatScale.best(for: calibration, channels: data.channels)
    var waiting = WaitingHeatMaps(
      shown: FlagReport.limit, keepsOthers: heatMaps == .all, in: folder)
    var pictures = OddestPictures()
    let links = Originals(root: originals, page: folder)
    let judged = try scorer.table(
      of: data,
      visit: { index, row, evidence in
        var row = row
        let verdict = try judge.verdict(on: row)
        row.verdict = verdict
        let heat = { HeatMap(evidence.surpriseMap, scale: scale) }
        pictures.add(row, at: index) {
          (scorer.trained.image(of: data, at: index), heat(), links.link(to: row.path))
        }
        guard verdict.flagged else { return }
        waiting.add(oddness: verdict.oddness ?? row.nats, of: index, heat)
      }, progress: { progress(.scoring, $0, data.count) })?.judged(by: judge)
    guard var table = judged else { return nil }
    if let falseDiscoveryRate {
      table = table.flagged(falseDiscoveryRate: falseDiscoveryRate)
      waiting.keep { table.rows[$0].verdict!.flagged }
    }

    func file(_ name: String) -> String { joined(folder, name) }
    try table.writeCSV(to: file("scores.csv"))
    try table.writeJSONLines(to: file("scores.jsonl"))
    try contactSheet(table, data).writePNG(to: file("contact-sheet.png"))
    var report = FlagReport(
      title: name, table: table, pictures: pictures.oddestFirst,
      unreadable: data.skipped.map { .init(path: $0.path, reason: $0.reason) },
      score: judge.score, tail: judge.tail, falseAlarmRate: falseAlarmRate,
      calibration: calibration, scale: scale, command: command)
    report.falseDiscoveryRate = falseDiscoveryRate
    try report.write(to: file("report.html"))

    var summary = Summary(
      images: table.rows.count, flagged: table.flaggedCount, report: file("report.html"),
      scores: file("scores.csv"))
    writeHeatMaps(waiting, data, to: file("heatmaps"), &summary) {
      progress(.writingHeatMaps, $0, $1)
    }
    return summary
  }

  private func contactSheet(_ table: ScoreTable, _ data: DataSet) -> Image {
    let tiles = table.oddestOrder.prefix(ContactSheet.limit).map { index in
      let verdict = table.rows[index].verdict!
      return ContactSheet.Tile(
        image: scorer.trained.image(of: data, at: index), caption: "p \(short(verdict.pValue))",
        flagged: verdict.flagged)
    }
    return ContactSheet(tiles: tiles, total: data.count).image
  }

  private func writeHeatMaps(
    _ waiting: WaitingHeatMaps, _ data: DataSet, to folder: String, _ summary: inout Summary,
    progress: (_ done: Int, _ total: Int) -> Bool
  ) {
    guard heatMaps != .none, waiting.count > 0 else { return }
    summary.heatMaps = waiting.count
    let names = HeatMapNames(of: data.names)
    let scale = HeatScale.best(for: calibration, channels: data.channels)
    var done = 0
    var written = 0
    do {
      try waiting.visit { map in
        do {
          let picture = sideBySide(
            scorer.trained.image(of: data, at: map.index), map.heat, scale: scale)
          let path = joined(folder, names.file(for: data.names[map.index]))
          try makeFolder(String(path[..<path.lastIndex(of: "/")!]))
          try picture.writePNG(to: path)
          written += 1
        } catch {
          summary.reason = summary.reason ?? "\(error)"
        }
        done += 1
        return progress(done, waiting.count)
      }
    } catch {
      summary.reason = summary.reason ?? "\(error)"
    }
    summary.missingHeatMaps = waiting.count - written
  }
}

func joined(_ folder: String, _ name: String) -> String {
  folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}
