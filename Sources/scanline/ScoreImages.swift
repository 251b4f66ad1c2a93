import ArgumentParser
import Detection
import Files
import Reports
import Training

struct ScoreImages: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Write the scores of each image to a CSV file.",
    discussion: """
      One line an image: path, nats, bits per dimension, every other score; where the run is \
      calibrated also its p-value, and whether that is within the false-alarm rate.

      Example: scanline score runs/parts parts --out scores.csv --heatmaps heatmaps
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Option(name: .customLong("out"), help: ArgumentHelp("The CSV file to write.", valueName: "file"))
  var outPath: String

  @Option(
    help: ArgumentHelp(
      "A folder for a picture of each image beside its surprise, bits a pixel.",
      valueName: "folder"))
  var heatmaps: String?

  @OptionGroup var falseAlarms: FalseAlarmOptions

  @OptionGroup var options: UseOptions

  func validate() throws {
    try requirePath("--out", outPath)
    if let heatmaps { try requirePath("--heatmaps", heatmaps) }
  }

  func run() throws {
    let run = try options.open(runFolder)
    let calibration = try run.trained.calibration()
    if let calibration {
      try falseAlarms.check(calibration.count, of: run.trained.run.calibrationFile)
    }
    try AtomicFile.requireWritable(outPath)
    let images = try run.load(data)
    let folder = try heatmaps.map(OutputFolder.init)
    var table = try run.scores(
      of: images, named: data, by: Scorer(run.trained, calibration: calibration)
    ) { index, evidence in try folder?.writeHeatMap(evidence, of: images.names[index]) }
    if let calibration {
      table = try table.judged(by: calibration, falseAlarmRate: falseAlarms.falseAlarmRate)
    }
    try table.writeCSV(to: outPath)
    let flagged = calibration.map { _ in table.flaggedCount }
    try run.console.result(
      Result(
        run: run.path, images: table.rows.count, unreadable: images.skipped.count, out: outPath,
        calibrated: calibration != nil, flagged: flagged, heatmaps: heatmaps),
      text: "\(counted(table.rows.count, "image")) scored"
        + (flagged.map { ", \($0) flagged" } ?? ", run not calibrated") + "; see \(outPath)")
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let run: String
    let images: Int
    let unreadable: Int
    let out: String
    let calibrated: Bool
    let flagged: Int?
    let heatmaps: String?
  }
}

extension ScoreTable {
  var flaggedCount: Int { rows.filter { $0.verdict?.flagged == true }.count }
}
