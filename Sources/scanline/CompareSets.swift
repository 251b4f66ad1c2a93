import ArgumentParser
import Detection
import Files
import Jobs
import Reports

struct CompareSets: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Measure how well each score tells other images from normal ones.",
    discussion: """
      For each other set and each score: AUROC, average precision with the normal (in) and with the \
      other images (out) positive, and the share of normal images flagged where 95 % or 80 % of the \
      others are. Intervals are of 95 %, by the bootstrap. Each score counts on the side on which it is \
      odd, high, low or both: where both, as far as it lies from the calibration's, or from those of \
      the normal images. The verdict and scores that compare with normal images need a calibrated run.

      With --also, of several runs the mean and the standard deviation from run to run. With --plots, \
      ROC curves and histograms of the verdict.

      Example: scanline compare runs/parts --in held-out --out-of scratched --out-of other-part
      """)

  @OptionGroup var runFolder: RunArgument

  @Option(
    name: .customLong("in"), help: ArgumentHelp("Held-out normal images.", valueName: "data"))
  var normal: String

  @Option(
    name: .customLong("out-of"), parsing: .singleValue,
    help: ArgumentHelp("Other images; may be repeated.", valueName: "data"))
  var others: [String]

  @Option(
    help: ArgumentHelp(
      "Outlines of defects, NAME.txt of x1 y1 x2 y2 lines, to compare maps with (both experts).",
      valueName: "folder"))
  var boxes: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("A further run to compare by; may be repeated.", valueName: "run"))
  var also: [String] = []

  @OptionGroup var further: FurtherOptions

  @Option(help: ArgumentHelp("Draw roc.svg and scores.svg here.", valueName: "folder"))
  var plots: String?

  @OptionGroup var output: OutputOptions

  @OptionGroup var options: UseOptions

  func validate() throws {
    for path in also { try requirePath("--also", path) }
    if let plots { try requirePath("--plots", plots) }
    for path in [normal] + others { try requirePath("DATA", path) }
  }

  func run() throws {
    let folder = try plots.map {
      try OutputFolder($0, inputs: [normal] + others, overwrite: output.overwrite)
    }
    try folder?.requireFree(ComparisonPlots.names)
    let runs = [runFolder.path] + also
    let outcomes = try runs.map { try outcome(by: options.open($0)) }
    let pairs = outcomes.map(\.comparison.pairs)
    if let folder { try draw(pairs, to: folder) }
    let means = runs.count > 1 ? Self.means(of: pairs) : nil
    let maps = outcomes.flatMap { $0.maps.map(Map.init) }
    let lines =
      means.map { $0.map { ($0.outOf, $0.cells) } } ?? pairs[0].map { ($0.outOf, cells($0)) }
    let heading = means.map { _ in "means of \(runs.count) runs ± their standard deviation" }
    let named = zip(runs, pairs).flatMap { run, pairs in
      pairs.map { Pair($0, run: runs.count > 1 ? run : nil) }
    }
    try options.common.console.result(
      // All read the same files.
      WithReading(
        Result(pairs: named, means: means, maps: boxes == nil ? nil : maps), outcomes[0].reading),
      text: ([heading, table(lines)].compactMap(\.self) + maps.map(\.text)).joined(separator: "\n"))
  }

  private func outcome(by run: RunInUse) throws -> ComparisonJob.Outcome {
    var job = ComparisonJob(run.trained, normal: normal, others: others)
    job.boxes = boxes
    job.further = try further.scores(of: run)
    job.strict = run.reading.strict
    job.followsLinks = run.reading.followLinks
    job.seed = options.common.seed
    let display = ScoringDisplay(run)
    guard let outcome = try job.run(watch: display.show) else {
      throw CommandError.stopped("\(display.path ?? normal) is not scored to its end")
    }
    return outcome
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let pairs: [Pair]
    let means: [Mean]?
    let maps: [Map]?
  }
}
