import ArgumentParser
import Files
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

  @Option(help: ArgumentHelp("Draw roc.svg and scores.svg here.", valueName: "folder"))
  var plots: String?

  @OptionGroup var output: OutputOptions

  @OptionGroup var options: UseOptions

  func validate() throws {
    for path in also { try requirePath("--also", path) }
    if let plots { try requirePath("--plots", plots) }
  }

  func run() throws {
    let folder = try plots.map {
      try OutputFolder($0, inputs: [normal] + others, overwrite: output.overwrite)
    }
    try folder?.requireFree(ComparisonPlots.names)
    let paths = [runFolder.path] + also
    var runs: [[Pair]] = []
    var maps: [Map] = []
    var reading: ReadingReport?
    for path in paths {
      var found = try compare(by: options.open(path))
      if paths.count > 1 { for index in found.pairs.indices { found.pairs[index].run = path } }
      runs.append(found.pairs)
      maps += found.maps
      // All read the same files.
      reading = reading ?? ReadingReport(found.sets)
    }
    if let folder { try draw(runs, to: folder) }
    let means = runs.count > 1 ? Self.means(of: runs) : nil
    let lines =
      means.map { $0.map { ($0.outOf, $0.cells) } } ?? runs[0].map { ($0.outOf, $0.cells) }
    let heading = means.map { _ in "means of \(runs.count) runs ± their standard deviation" }
    try options.common.console.result(
      WithReading(
        Result(pairs: runs.flatMap(\.self), means: means, maps: boxes == nil ? nil : maps),
        reading ?? ReadingReport([])),
      text: ([heading, text(lines)].compactMap(\.self) + maps.map(\.text)).joined(separator: "\n"))
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let pairs: [Pair]
    let means: [Mean]?
    let maps: [Map]?
  }
}
