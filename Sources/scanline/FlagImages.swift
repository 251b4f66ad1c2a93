import ArgumentParser
import Detection
import Images
import Reports
import Training

struct FlagImages: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flag",
    abstract: "Find the images that do not belong, at a false-alarm rate of your choice.",
    discussion: """
      Ranks each image by its likelihood among held-out normal ones and flags it where its p-value \
      is within the rate. Writes scores.csv, scores.jsonl, contact-sheet.png (the oddest first), \
      heatmaps/ of the flagged and report.html. Files of these names are replaced; others in the \
      folder stay.

      Example: scanline flag runs/parts incoming --out report --false-alarm-rate 0.01
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String

  @OptionGroup var falseAlarms: FalseAlarmOptions

  @Option(
    name: .customLong("calibration"),
    help: ArgumentHelp(
      "Held-out normal images to rank among. (default: those of scanline calibrate)",
      valueName: "data"))
  var calibrationPath: String?

  @Flag(help: "Exit with status 3 where an image is flagged.")
  var failIfFlagged = false

  @OptionGroup var options: UseOptions

  func validate() throws { try requirePath("--out", outPath) }

  func run() throws {
    let run = try options.open(runFolder)
    let calibration = try ranks(of: run)
    let images = try run.load(data)
    let folder = try OutputFolder(outPath)
    let scorer = Scorer(run.trained, calibration: calibration)
    let table = try run.scores(of: images, named: data, by: scorer)
      .judged(by: calibration, falseAlarmRate: falseAlarms.falseAlarmRate)
    try table.writeCSV(to: folder.file("scores.csv"))
    try table.writeJSONLines(to: folder.file("scores.jsonl"))
    let order = Order(of: table, images)
    try contactSheet(order, images, scorer).writePNG(to: folder.file("contact-sheet.png"))
    let report = FlagReport(
      title: data, table: table,
      flagged: try writeHeatMaps(order, images, scorer, to: folder, of: run),
      unreadable: images.skipped.map { .init(path: $0.path, reason: $0.reason) },
      falseAlarmRate: falseAlarms.falseAlarmRate, calibration: calibration,
      scale: .standard(channels: images.channels), command: CommandLine.arguments)
    try report.write(to: folder.file("report.html"))
    let result = Result(
      images: images.count, flagged: table.flaggedCount, unreadable: images.skipped.count,
      falseAlarmRate: falseAlarms.falseAlarmRate, calibrationImages: calibration.count,
      report: try folder.file("report.html"), scores: try folder.file("scores.csv"))
    try run.console.result(result, text: result.text)
    if failIfFlagged && result.flagged > 0 { throw ExitCode(3) }
  }

  /// The normal images to rank among; too few of them are refused before anything is scored.
  private func ranks(of run: RunInUse) throws -> Calibration {
    if let calibrationPath { return try run.calibration(on: calibrationPath, rate: falseAlarms) }
    guard let calibration = try run.trained.calibration() else {
      throw CommandError(
        "\(run.path): expected a calibrated run, found none; run scanline calibrate, or give"
          + " --calibration held-out normal images")
    }
    try falseAlarms.check(calibration.count, of: run.trained.run.calibrationFile)
    return calibration
  }

  /// The images of a table, the oddest first.
  private struct Order {
    let rows: [ScoreRow]
    /// Where the image of each row is in the data set.
    let indices: [Int]

    init(of table: ScoreTable, _ images: DataSet) {
      rows = table.oddestFirst.rows
      let places = Dictionary(zip(images.names, images.names.indices)) { first, _ in first }
      indices = rows.map { places[$0.path]! }
    }
  }

  private func contactSheet(_ order: Order, _ images: DataSet, _ scorer: Scorer) -> Image {
    var tiles: [ContactSheet.Tile] = []
    let shown = order.indices.prefix(ContactSheet.limit)
    scorer.forEach(shown, of: images) { _, evidence in
      let verdict = order.rows[tiles.count].verdict
      tiles.append(
        .init(
          image: evidence.image, caption: verdict.map { "p \(significant($0.pValue))" } ?? "",
          flagged: verdict?.flagged ?? false))
    }
    return ContactSheet(tiles: tiles, total: images.count).image
  }

  /// Writes the heat map of each flagged image.
  /// - Returns: the oddest, for the report.
  private func writeHeatMaps(
    _ order: Order, _ images: DataSet, _ scorer: Scorer, to folder: OutputFolder, of run: RunInUse
  ) throws -> [FlagReport.Flagged] {
    let count = order.rows.prefix { $0.verdict?.flagged == true }.count
    guard count > 0 else { return [] }
    let heatMaps = try OutputFolder(folder.file("heatmaps"))
    let line = ProgressLine(run.console)
    defer { line.clear() }
    var shown: [FlagReport.Flagged] = []
    var written = 0
    func progress(_ done: Int) -> Bool {
      line.update("writing heat maps", Double(done), of: count, "images")
      return !run.interruption.isRequested
    }
    let finished = try scorer.forEach(order.indices.prefix(count), of: images, progress: progress) {
      _, evidence in
      let row = order.rows[written]
      written += 1
      try heatMaps.writeHeatMap(evidence, of: row.path)
      if shown.count < FlagReport.limit {
        shown.append(.init(row: row, image: evidence.image, map: evidence.surprise))
      }
    }
    guard finished else { throw CommandError.stopped("\(outPath) lacks report.html") }
    return shown
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let images: Int
    let flagged: Int
    let unreadable: Int
    let falseAlarmRate: Double
    let calibrationImages: Int
    let report: String
    let scores: String

    var text: String {
      let expected = falseAlarmRate * Double(images)
      return
        "\(flagged) of \(counted(images, "image")) flagged at a false-alarm rate of \(falseAlarmRate)"
        + " (at most \(significant(expected)) expected, were all normal)"
        + (unreadable > 0 ? "; \(unreadable) unreadable" : "") + "; see \(report)"
    }
  }
}
