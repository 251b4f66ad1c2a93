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
      calibrated also its verdict of all scores together, the p-value of that, whether it is within \
      the false-alarm rate, and which scores made the verdict what it is.

      Example: scanline score runs/parts parts --out scores.csv --heatmaps heatmaps
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Option(name: .customLong("out"), help: ArgumentHelp("The CSV file to write.", valueName: "file"))
  var outPath: String

  @Option(
    help: ArgumentHelp(
      "A folder for a picture of each image beside its surprise (calibrated: beyond normal).",
      valueName: "folder"))
  var heatmaps: String?

  @OptionGroup var falseAlarms: FalseAlarmOptions

  @OptionGroup var output: OutputOptions

  @OptionGroup var options: UseOptions

  func validate() throws {
    if outPath.split(separator: "/").last == "unreadable.csv" {
      throw ValidationError(
        "--out: expected another name, found that of the table of unreadable files")
    }
    try requirePath("--out", outPath)
    if let heatmaps { try requirePath("--heatmaps", heatmaps) }
  }

  func run() throws {
    let run = try options.open(runFolder)
    let experts = try Experts(of: run.trained)
    try experts?.requireEnoughImages(falseAlarmRate: falseAlarms.rate)
    let calibration = try experts == nil ? run.trained.calibration() : nil
    if let calibration {
      try falseAlarms.check(calibration, of: run.trained.run.calibrationFile)
    }
    let scorer = try Scorer(run.trained, calibration: calibration)
    let judge = try calibration.map { _ in
      try scorer.judge(by: falseAlarms.score, falseAlarmRate: falseAlarms.rate)
    }
    try AtomicFile.requireWritable(outPath)
    try OutputFile.requireReplaceable(
      outPath, inputs: [data], overwrite: output.overwrite,
      tables: ["path,nats,bits_per_dimension,"])
    let folder = try heatmaps.map {
      try OutputFolder($0, inputs: [data], overwrite: output.overwrite)
    }
    if let experts { return try score(run, by: experts, heatmaps: folder) }
    let images = try run.load(data)
    let reading = ReadingReport([(data, images)])
    try reading.write(beside: outPath, overwrite: output.overwrite, run.console)
    let names = HeatMapNames(of: folder == nil ? [] : images.names)
    let scale = HeatScale.best(for: calibration, channels: images.channels)
    var table = try run.scores(
      of: images, named: data, by: scorer
    ) { _, row, evidence in
      guard let folder else { return }
      try sideBySide(evidence.image, HeatMap(evidence.surpriseMap, scale: scale), scale: scale)
        .writePNG(to: folder.file(names.file(for: row.path)))
    }
    if let judge { table = try table.judged(by: judge) }
    if judge != nil, let rate = falseAlarms.falseDiscoveryRate {
      table = table.flagged(falseDiscoveryRate: rate)
    }
    try table.writeCSV(to: outPath)
    let flagged = calibration.map { _ in table.flaggedCount }
    try run.console.result(
      WithReading(
        Result(
          run: run.path, images: table.rows.count, out: outPath,
          calibrated: calibration != nil, flagged: flagged, heatmaps: heatmaps), reading),
      text: "\(counted(table.rows.count, "image")) scored"
        + (flagged.map { ", \($0) flagged" } ?? ", run not calibrated") + "; see \(outPath)")
  }

  /// What `--json` prints.
  struct Result: Encodable {
    let run: String
    let images: Int
    let out: String
    let calibrated: Bool
    let flagged: Int?
    let heatmaps: String?
  }
}
