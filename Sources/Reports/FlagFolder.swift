import Detection
import Files
import Foundation
import Images

/// What `Flagging` writes to a folder from what journals hold, whether of one call or of all shards: the
/// same journals, the same files.
struct FlagFolder {
  let job: InspectionJob
  /// In the order of their shards, each in the folder of its own heat maps.
  let journals: [String]

  /// So many of the oddest have pictures as large as a page or a contact sheet shows them; of others they
  /// are small.
  static let large = max(FlagReport.limit, ContactSheet.limit)

  /// Writes all. Heat maps come last.
  /// - Parameter progress: called with the heat maps done; answers whether to go on.
  /// - Throws: `FileError`; `DetectionError` where not one image has a finite likelihood.
  func write(
    to folder: String, progress: (_ done: Int, _ total: Int) -> Bool
  ) throws -> Flagging.Summary {
    guard let page = job.page else { preconditionFailure("a table alone has no page") }
    var oddest = Oddest<StoredPicture?>(limit: Self.large)
    var pictures = OddestPictures()
    try makeFolder(folder)
    let links = Originals(root: job.place.root, page: folder)
    let found = try Findings(job, journals) { index, image in
      oddest.add(OddnessPlace(of: image.row, at: index, job.scoreNames)) { image.picture }
      guard let picture = image.picture else { return }
      try pictures.add(
        image.row, at: index, oddness: OddnessPlace.oddness(of: image.row, job.scoreNames)
      ) {
        let opened = try picture.opened()
        return (opened.image, opened.heat, links.link(to: image.row.path))
      }
    }
    let rows = found.table.rows
    func file(_ name: String) -> String { joined(folder, name) }
    try found.table.writeCSV(to: file("scores.csv"))
    try found.table.writeJSONLines(to: file("scores.jsonl"), regions: found.regions)

    let large = try oddest.oddestFirst.map { index, picture in
      guard let picture else {
        throw FileError(journals[0], expected: "a picture of \(rows[index].path)", found: "none")
      }
      return (index, try picture.opened())
    }
    let tiles = large.prefix(ContactSheet.limit).map { index, picture in
      let verdict = rows[index].verdict!
      return ContactSheet.Tile(
        image: picture.image, caption: "p \(short(verdict.pValue))", flagged: verdict.flagged)
    }
    try ContactSheet(tiles: tiles, total: rows.count).image.writePNG(
      to: file("contact-sheet.png"), .quick)

    var report = FlagReport(
      title: job.title, table: found.table, pictures: pictures.oddestFirst,
      unreadable: found.skipped.map { .init(path: $0.path, reason: $0.reason) },
      score: page.score, tail: page.tail, falseAlarmRate: page.falseAlarmRate,
      calibration: page.normals, scale: page.scale, command: page.command)
    report.falseDiscoveryRate = job.falseDiscoveryRate
    report.regions = found.regions
    try report.write(to: file("report.html"))

    let shown = large.filter { rows[$0.0].verdict!.flagged }.prefix(FlagReport.limit)
    var summary = Flagging.Summary(
      images: rows.count, flagged: found.table.flaggedCount, falseAlarmRate: page.falseAlarmRate,
      falseDiscoveryRate: job.falseDiscoveryRate, calibrationImages: page.calibrationImages,
      report: file("report.html"), scores: file("scores.csv"), place: job.place,
      skipped: found.skipped, flawed: found.flawed)
    let maps = FlaggedHeatMaps(
      table: found.table, which: page.heatMaps, scale: page.scale, shown: shown.map(\.0),
      journals: journals)
    if job.picturesAreWhole {
      try maps.draw(shown.map { ($0.0, $0.1) }, to: folder, &summary, progress)
    } else {
      try maps.gather(to: folder, &summary, progress)
    }
    return summary
  }

  /// Writes a heat map, whose name may have folders. Throws a `FileError`.
  static func write(_ picture: Image, as name: String, to folder: String) throws {
    let path = joined(joined(folder, "heatmaps"), name)
    try makeFolder(String(path[..<path.lastIndex(of: "/")!]))
    try picture.writePNG(to: path, .quick)
  }
}

/// The heat maps of flagged images, as files. One that cannot be written is counted and costs no more.
struct FlaggedHeatMaps {
  let table: ScoreTable
  let which: Flagging.HeatMaps
  let scale: HeatScale
  /// Rows of those that the page shows.
  let shown: [Int]
  let journals: [String]

  private var count: Int {
    switch which {
    case .none: 0
    case .shown: shown.count
    case .all: table.flaggedCount
    }
  }

  /// Draws those of images that journals have whole pictures of: first the ones that the page shows.
  func draw(
    _ pictures: [(Int, (image: Image, heat: HeatMap))], to folder: String,
    _ summary: inout Flagging.Summary, _ progress: (_ done: Int, _ total: Int) -> Bool
  ) throws {
    summary.heatMaps = count
    guard count > 0 else { return }
    let names = HeatMapNames(of: table.rows.map(\.path))
    let isShown = Set(shown)
    var (done, written) = (0, 0)
    var (goesOn, reason) = (true, String?.none)
    func draw(_ index: Int, _ picture: () throws -> (image: Image, heat: HeatMap)) {
      do {
        let (image, heat) = try picture()
        try FlagFolder.write(
          sideBySide(image, heat, scale: scale), as: names.file(for: table.rows[index].path),
          to: folder)
        written += 1
      } catch {
        reason = reason ?? "\(error)"
      }
      done += 1
      goesOn = progress(done, count)
    }
    for (index, picture) in pictures where goesOn { draw(index) { picture } }
    if which == .all, goesOn {
      _ = try visit { index, image, _ in
        guard goesOn, isFlagged(index), !isShown.contains(index) else { return }
        draw(index) { try image.picture!.opened() }
      }
    }
    summary.reason = reason
    summary.missingHeatMaps = count - written
  }

  /// Brings together those that were written as images were inspected, and puts away what is not to be
  /// shown after all.
  func gather(
    to folder: String, _ summary: inout Flagging.Summary,
    _ progress: (_ done: Int, _ total: Int) -> Bool
  ) throws {
    summary.heatMaps = count
    let isShown = Set(shown)
    var (done, present) = (0, 0)
    var reason: String?
    try visit { index, image, home in
      let isWanted =
        which == .all ? isFlagged(index) : which == .shown && isShown.contains(index)
      guard isWanted else {
        if let name = image.heatMap, home == wholePath(folder) {
          unlink(joined(joined(home, "heatmaps"), name))
        }
        return
      }
      reason = reason ?? image.trouble
      guard let name = image.heatMap else { return }
      let from = joined(joined(home, "heatmaps"), name)
      do {
        if home != wholePath(folder) {
          let path = joined(joined(folder, "heatmaps"), name)
          try makeFolder(String(path[..<path.lastIndex(of: "/")!]))
          try AtomicFile.write(OpenFile.contents(of: from), to: path, durable: false)
        } else if access(from, F_OK) != 0 {
          throw FileError(from, cannot: "open")
        }
        present += 1
      } catch {
        reason = reason ?? "\(error)"
      }
      done += 1
      _ = progress(done, count)
    }
    summary.reason = reason
    summary.missingHeatMaps = count - present
  }

  private func isFlagged(_ index: Int) -> Bool { table.rows[index].verdict!.flagged }

  /// Goes over all images of all journals with the row of each and the folder of its journal.
  private func visit(_ body: (Int, InspectedImage, _ home: String) throws -> Void) throws {
    var index = 0
    for journal in journals {
      let folder = String(journal[..<journal.lastIndex(of: "/")!])
      let home = wholePath(folder) ?? folder
      try Journal.visit(journal) { entry in
        guard case .image(let image) = entry else { return }
        try body(index, image, home)
        index += 1
      }
    }
  }
}
