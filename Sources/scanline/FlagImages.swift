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
      aside, and flags it where its p-value is within the rate. Writes scores.csv, scores.jsonl, \
      contact-sheet.png (the oddest first), report.html, and then heatmaps/ of the 200 oddest flagged \
      (--heatmaps all: of all flagged). Those of an earlier call are replaced; other files in the \
      folder stay.

      Example: scanline flag runs/parts incoming --out report --false-alarm-rate 0.01

      Memory does not grow with the size of the images. What was found is kept in the folder: after \
      Ctrl-C or worse the same command with --resume goes on. Many machines take a shard each, from \
      any queue:

      Example: scanline flag runs/parts incoming --out part-3 --shard 3/64
      and then: scanline merge part-* --out report

      Example: find incoming -name '*.png' -mtime -1 | scanline flag runs/parts --files-from - \
      --out report
      """)

  @OptionGroup var runFolder: RunArgument

  @OptionGroup var images: ImagesArgument

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String

  @OptionGroup var falseAlarms: FalseAlarmOptions

  @OptionGroup var further: FurtherOptions

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

  func validate() throws {
    try requirePath("--out", outPath)
    if failIfFlagged && images.shard != nil {
      throw ValidationError("--fail-if-flagged: expected without --shard; scanline merge has it")
    }
  }

  func run() throws {
    let run = try options.open(runFolder)
    let flagging = try flagging(run)
    let source = try run.source(images)
    let folder = try OutputFolder(
      outPath, inputs: images.inputs(source) + [calibrationPath].compactMap(\.self),
      overwrite: output.overwrite)
    try folder.claimReport(journal: images.shard == nil ? ".journal" : "shard.journal")
    Interruption.beforeEnding(saying: ImagesArgument.wordsToGoOn)
    let line = ProgressLine(run.console)
    func goesOn(_ stage: Flagging.Stage, _ done: Int, _ total: Int) -> Bool {
      line.update(stage.rawValue, Double(done), of: total, "images")
      return !run.interruption.isRequested
    }
    if let shard = source.shard {
      let part = try flagging.write(part: source, to: folder.path, resume: images.resume) {
        goesOn(.scoring, $0, $1)
      }
      line.clear()
      guard let part else { throw stopped("\(outPath) lacks images") }
      let reading = run.report(source, skipped: part.skipped, flawed: part.flawed)
      let result = PartResult(part, shard, to: outPath)
      try run.console.result(WithReading(result, reading), text: result.text)
      return
    }
    let summary = try flagging.write(
      source, to: folder.path, resume: images.resume, progress: goesOn)
    line.clear()
    guard let summary else { throw stopped("\(outPath) lacks report.html") }
    let reading = run.report(source, skipped: summary.skipped, flawed: summary.flawed)
    try summary.tell(reading, in: folder, run.console) { stopped("\(outPath) lacks \($0)") }
    if failIfFlagged && summary.flagged > 0 { throw ExitCode(3) }
  }

  private func stopped(_ what: String) -> CommandError {
    CommandError.stopped("\(what); \(ImagesArgument.wordsToGoOn)")
  }
}
