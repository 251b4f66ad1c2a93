import ArgumentParser
import Files
import Images
import Reports

struct MergeShards: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Make one report, or one table, of all shards.",
    discussion: """
      Takes the folders of flag --shard, or the tables of score --shard, in any order, and writes what \
      one call over all images would have written, byte for byte: neither the run nor the images are \
      needed. A shard that is missing or not whole is refused.

      Example: scanline merge part-* --out report

      Example: scanline merge part-*.csv --out scores.csv
      """)

  @Argument(help: "All shards: folders of flag, or CSV files of score.")
  var shards: [String]

  @Option(
    name: .customLong("out"),
    help: ArgumentHelp("The folder to write to, or the CSV file.", valueName: "path"))
  var outPath: String

  @Flag(help: "Exit with status 3 where an image is flagged.")
  var failIfFlagged = false

  @OptionGroup var output: OutputOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try requirePath("--out", outPath)
    for path in shards { try requirePath("SHARDS", path) }
  }

  func run() throws {
    common.prepare()
    let shards = try Shards(self.shards)
    if self.shards.contains(where: { wholePath($0) == wholePath(outPath) && wholePath($0) != nil })
    {
      throw CommandError("\(outPath): expected another place than that of a shard")
    }
    let flagged =
      shards.haveReport ? try writeReport(shards) : try writeTable(shards)
    if failIfFlagged && flagged > 0 { throw ExitCode(3) }
  }

  private func writeReport(_ shards: Shards) throws -> Int {
    let interruption = Interruption()
    let folder = try OutputFolder(
      outPath, inputs: shards.inputs, overwrite: output.overwrite)
    try folder.claimReport()
    let line = ProgressLine(common.console)
    let summary = try shards.writeReport(to: folder.path) { done, total in
      line.update("writing heat maps", Double(done), of: total, "images")
      return !interruption.isRequested
    }
    line.clear()
    let reading = ReadingReport(summary.place, skipped: summary.skipped, flawed: summary.flawed)
    try summary.tell(reading, in: folder, common.console) {
      CommandError.stopped("\(outPath) lacks \($0)")
    }
    return summary.flagged
  }

  private func writeTable(_ shards: Shards) throws -> Int {
    try AtomicFile.requireWritable(outPath)
    try OutputFile.requireReplaceable(
      outPath, inputs: shards.inputs, overwrite: output.overwrite,
      tables: ["path,nats,bits_per_dimension,"])
    let summary = try shards.writeTable(to: outPath)
    let reading = ReadingReport(summary.place, skipped: summary.skipped, flawed: summary.flawed)
    try reading.write(beside: outPath, overwrite: output.overwrite, common.console)
    let result = ScoreResult(run: nil, summary, out: outPath)
    try common.console.result(WithReading(result, reading), text: result.text)
    return summary.flagged ?? 0
  }
}
