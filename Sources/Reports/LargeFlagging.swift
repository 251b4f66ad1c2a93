import Detection
import Files
import Images

/// Finds the images of any size that do not belong, by both experts of a run, and writes what a person
/// needs to judge for themselves: `Flagging` for larger images, each decoded and computed once.
///
/// Beside a row an image, memory holds small pictures of the oddest alone.
public struct LargeFlagging {
  public let experts: Experts
  public var falseAlarmRate: Double
  public var heatMaps = Flagging.HeatMaps.shown
  public var strict = false
  /// The words of the command line, for the page.
  public var command: [String] = []
  /// The folder that the images' names are relative to, for links to them.
  public var originals: String?

  public init(experts: Experts, falseAlarmRate: Double) {
    self.experts = experts
    self.falseAlarmRate = falseAlarmRate
  }

  /// Judges the images of a source and writes `scores.csv`, `scores.jsonl` (with `regions`),
  /// `contact-sheet.png`, `report.html` and `heatmaps/` to a folder.
  /// - Returns: nil where it was stopped before the tables were written.
  public func write(
    _ source: ImageSource, named name: String, to folder: String,
    progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws -> (summary: Flagging.Summary, scored: Experts.Scored)? {
    try makeFolder(folder)
    func file(_ name: String) -> String { joined(folder, name) }
    let scale = HeatScale.boxes(of: experts.calibration)
    let names = HeatMapNames(of: source.names)
    let links = Originals(root: originals, page: folder)
    var summary = Flagging.Summary(
      images: 0, flagged: 0, report: file("report.html"), scores: file("scores.csv"))
    var regions: [[Region]] = []
    var pictures = OddestPictures()
    var tiles = Oddest<ContactSheet.Tile>(limit: ContactSheet.limit)
    let scored = try experts.table(
      of: source, falseAlarmRate: falseAlarmRate, strict: strict,
      visit: { row, evidence, image in
        regions.append(experts.regions(of: evidence, flagged: row.verdict!.flagged))
        let (verdict, oddness) = (row.verdict!, row.scores[0])
        tiles.add(oddness) {
          ContactSheet.Tile(
            image: image.within(112), caption: "p \(short(verdict.pValue))",
            flagged: verdict.flagged)
        }
        let heat = HeatMap(evidence.map(reach: experts.local.reach), scale: scale)
        pictures.add(row, at: regions.count - 1, oddness: oddness) {
          (image, heat, links.link(to: row.path))
        }
        guard verdict.flagged else { return }
        if heatMaps == .all || heatMaps == .shown && summary.heatMaps < FlagReport.limit {
          write(
            heat, beside: image, to: joined(file("heatmaps"), names.file(for: row.path)), &summary)
        }
      }, progress: { progress($0, source.count) })
    guard let scored else { return nil }
    let table = scored.table
    try table.writeCSV(to: file("scores.csv"))
    try table.writeJSONLines(to: file("scores.jsonl"), regions: regions)
    try ContactSheet(tiles: tiles.oddestFirst, total: table.rows.count).image
      .writePNG(to: file("contact-sheet.png"))
    try FlagReport(
      title: name, table: table, pictures: pictures.oddestFirst,
      unreadable: scored.skipped.map { .init(path: $0.path, reason: $0.reason) },
      score: "verdict", falseAlarmRate: falseAlarmRate, calibration: try experts.normals(),
      scale: scale, command: command
    ).write(to: file("report.html"))
    summary.images = table.rows.count
    summary.flagged = table.flaggedCount
    return (summary, scored)
  }

  /// A heat map that cannot be written is counted and costs no more.
  private func write(
    _ heat: HeatMap, beside image: Image, to path: String, _ summary: inout Flagging.Summary
  ) {
    summary.heatMaps += 1
    do {
      try makeFolder(String(path[..<path.lastIndex(of: "/")!]))
      try sideBySide(image, heat, scale: .boxes(of: experts.calibration)).writePNG(to: path)
    } catch {
      summary.missingHeatMaps += 1
      summary.reason = summary.reason ?? "\(error)"
    }
  }
}

/// The oddest of many, and nothing of the others.
private struct Oddest<Value> {
  private let limit: Int
  private var kept: [(oddness: Double, value: Value)] = []

  init(limit: Int) { self.limit = limit }

  /// Of equals the first added stays before.
  mutating func add(_ oddness: Double, _ value: () throws -> Value) rethrows {
    guard kept.count < limit || oddness > kept[limit - 1].oddness else { return }
    if kept.count == limit { kept.removeLast() }
    let place = kept.firstIndex { $0.oddness < oddness } ?? kept.count
    kept.insert((oddness, try value()), at: place)
  }

  var oddestFirst: [Value] { kept.map(\.value) }
}

extension HeatScale {
  /// Mean surprise of 9×9 pixels, bits a pixel: 0 … twice what one held-out image in a hundred exceeds
  /// anywhere, the same for every image.
  public static func boxes(of calibration: ExpertsCalibration) -> HeatScale {
    let threshold = max(Float(calibration.mapThreshold(0.99)), 5e-4)
    return HeatScale(
      ends: 0...2 * threshold,
      unit: "mean surprise of 9×9 pixels, bits a pixel; the middle is the most of 99 in 100 normal"
        + " images", threshold: threshold)
  }
}

extension HeatMap {
  /// A map of numbers a pixel on a scale.
  public init(_ map: PixelMap, scale: HeatScale) {
    self.init(SurpriseMap(bits: map.values, width: map.width, height: map.height), scale: scale)
  }
}
