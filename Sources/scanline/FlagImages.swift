import ArgumentParser
import Detection
import Files
import Images
import Reports
import Training

extension Flagging.HeatMaps: ExpressibleByArgument {}

struct FlagImages: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flag",
    abstract: "Find the images that do not belong, at a false-alarm rate of your choice.",
    discussion: """
      Judges each image by all its scores together among held-out normal ones, which train sets \
      aside, and flags it where its p-value is within the rate. Writes scores.csv, scores.jsonl, contact-sheet.png (the oddest first), \
      report.html, and then heatmaps/ of the 200 oddest flagged (--heatmaps all: of all \
      flagged). Those of an earlier call are replaced; other files in the folder stay.

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
      "Held-out normal images to rank among. (default: those set aside by train, or of calibrate)",
      valueName: "data"))
  var calibrationPath: String?

  @Option(
    help: ArgumentHelp("Which flagged images get a heat map of their own.", valueName: "which"))
  var heatmaps = Flagging.HeatMaps.shown

  @Flag(help: "Exit with status 3 where an image is flagged.")
  var failIfFlagged = false

  @OptionGroup var output: OutputOptions

  @OptionGroup var options: UseOptions

  func validate() throws { try requirePath("--out", outPath) }

  func run() throws {
    let run = try options.open(runFolder)
    if let experts = try Experts(of: run.trained) { return try self.run(run, by: experts) }
    let calibration = try ranks(of: run)
    let scorer = try Scorer(run.trained, calibration: calibration)
    _ = try scorer.judge(by: falseAlarms.score, falseAlarmRate: falseAlarms.rate)
    let folder = try OutputFolder(
      outPath, inputs: [data, calibrationPath].compactMap(\.self), overwrite: output.overwrite)
    let names = ["scores.csv", "scores.jsonl", "contact-sheet.png", "heatmaps", "report.html"]
    try folder.requireFree(names + ["unreadable.csv"])
    let images = try run.load(data)
    let reading = ReadingReport([(data, images)])
    try folder.claim(names)
    try reading.write(to: folder.file("unreadable.csv"), run.console)
    var flagging = Flagging(
      scorer: scorer, calibration: calibration, falseAlarmRate: falseAlarms.rate)
    flagging.falseDiscoveryRate = falseAlarms.falseDiscoveryRate
    flagging.score = falseAlarms.score
    flagging.heatMaps = heatmaps
    flagging.command = CommandLine.arguments
    flagging.originals = folderOfImages(data)
    let line = ProgressLine(run.console)
    let summary = try flagging.write(images, named: data, to: folder.path) { stage, done, total in
      line.update("\(stage.rawValue)", Double(done), of: total, "images")
      return !run.interruption.isRequested
    }
    line.clear()
    guard let summary else { throw CommandError.stopped("\(outPath) lacks report.html") }
    if let reason = summary.reason {
      run.console.warn(
        "\(summary.missingHeatMaps) of \(counted(summary.heatMaps, "heat map")) not written:"
          + " \(reason)")
    } else if summary.missingHeatMaps > 0 {
      throw CommandError.stopped(
        "\(outPath) lacks \(counted(summary.missingHeatMaps, "heat map"))")
    }
    let result = Result(
      images: summary.images, flagged: summary.flagged, unreadable: images.skipped.count,
      falseAlarmRate: falseAlarms.falseDiscoveryRate == nil ? falseAlarms.rate : nil,
      falseDiscoveryRate: falseAlarms.falseDiscoveryRate, calibrationImages: calibration.count,
      report: summary.report, scores: summary.scores, heatMaps: summary.heatMaps,
      missingHeatMaps: summary.missingHeatMaps)
    try run.console.result(WithReading(result, reading), text: result.text)
    if failIfFlagged && result.flagged > 0 { throw ExitCode(3) }
  }

  /// The normal images to rank among; too few of them are refused before anything is scored.
  private func ranks(of run: RunInUse) throws -> Calibration {
    if let calibrationPath {
      return try run.calibration(on: calibrationPath, rate: falseAlarms).0
    }
    guard let calibration = try run.trained.calibration() else {
      throw CommandError(
        "\(run.path): expected a calibrated run, found none; run scanline calibrate, or give"
          + " --calibration held-out normal images")
    }
    try falseAlarms.check(calibration, of: run.trained.run.calibrationFile)
    return calibration
  }
}
