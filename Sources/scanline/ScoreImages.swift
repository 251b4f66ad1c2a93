import ArgumentParser
import Detection
import Files
import Images
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

      Until the table is whole, FILE.journal beside it keeps what was found: after Ctrl-C or worse the \
      same command with --resume goes on. Many machines take a shard each:

      Example: scanline score runs/parts parts --out part-3.csv --shard 3/64
      and then: scanline merge part-*.csv --out scores.csv
      """)

  @OptionGroup var runFolder: RunArgument

  @OptionGroup var images: ImagesArgument

  @Option(name: .customLong("out"), help: ArgumentHelp("The CSV file to write.", valueName: "file"))
  var outPath: String

  @Option(
    help: ArgumentHelp(
      "A folder for a picture of each image beside its surprise (calibrated: beyond normal).",
      valueName: "folder"))
  var heatmaps: String?

  @Option(
    help: ArgumentHelp(
      "A NumPy file for the surprise of every sub-pixel: float32 [N, H, W, C], bits, in the order of"
        + " the table.", valueName: "file"))
  var npy: String?

  @OptionGroup var averaging: OrdersOption

  @OptionGroup var falseAlarms: FalseAlarmOptions

  @OptionGroup var further: FurtherOptions

  @OptionGroup var output: OutputOptions

  @OptionGroup var options: UseOptions

  func validate() throws {
    if outPath.split(separator: "/").last == "unreadable.csv" {
      throw ValidationError(
        "--out: expected another name, found that of the table of unreadable files")
    }
    try requirePath("--out", outPath)
    if let heatmaps { try requirePath("--heatmaps", heatmaps) }
    if let npy { try requirePath("--npy", npy) }
    if images.shard != nil && falseAlarms.falseDiscoveryRate != nil {
      throw ValidationError(
        "--false-discovery-rate: expected without --shard, as it is of all images together;"
          + " flag --shard has it, and merge")
    }
  }

  func run() throws {
    let run = try options.open(runFolder)
    var scoring = try scoring(run)
    try AtomicFile.requireWritable(outPath)
    let source = try run.source(images)
    let inputs = images.inputs(source)
    func require(_ path: String, _ tables: [String]) throws {
      try OutputFile.requireReplaceable(
        path, inputs: inputs, overwrite: output.overwrite, tables: tables)
    }
    try require(outPath, ["path,nats,bits_per_dimension,"])
    if AtomicFile.isStream(outPath) {
      try requireNoStream()
    } else {
      try require(Scoring.journal(beside: outPath), [Scoring.beginningOfJournals])
    }
    if let npy { try require(npy, images.resume ? [""] : []) }
    if let heatmaps {
      let folder = try OutputFolder(heatmaps, inputs: inputs, overwrite: output.overwrite)
      let names = HeatMapNames(of: source.allNames)
      scoring.heatMap = { name, picture in
        try picture().writePNG(to: folder.file(names.file(for: name)), .quick)
      }
    }
    Interruption.beforeEnding(saying: ImagesArgument.wordsToGoOn)
    let line = ProgressLine(run.console)
    let summary = try scoring.write(source, to: outPath, resume: images.resume) { done in
      line.update("scoring \(source.path)", Double(done), of: source.count, "images")
      return !run.interruption.isRequested
    }
    line.clear()
    guard let summary else {
      throw CommandError.stopped(
        "\(source.path) is not scored to its end; \(ImagesArgument.wordsToGoOn)")
    }
    let reading = run.report(source, skipped: summary.skipped, flawed: summary.flawed)
    try reading.write(beside: outPath, overwrite: output.overwrite, run.console)
    let result = ScoreResult(run: run.path, summary, out: outPath, heatmaps: heatmaps, npy: npy)
    try run.console.result(WithReading(result, reading), text: result.text)
  }

  private func requireNoStream() throws {
    for (flag, isGiven) in [("--resume", images.resume), ("--shard", images.shard != nil)]
    where isGiven {
      throw ValidationError("\(flag): expected a file as --out, found a pipe or device")
    }
  }
}
