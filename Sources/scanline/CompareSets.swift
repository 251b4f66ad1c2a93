import ArgumentParser
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

  @OptionGroup var options: UseOptions

  func validate() throws {
    for path in [normal] + others { try requirePath("DATA", path) }
  }

  func run() throws {
    let run = try options.open(runFolder)
    var job = ComparisonJob(run.trained, normal: normal, others: others)
    job.boxes = boxes
    job.strict = run.reading.strict
    job.followsLinks = run.reading.followLinks
    job.seed = options.common.seed
    let display = ScoringDisplay(run)
    guard let outcome = try job.run(watch: display.show) else {
      throw CommandError.stopped("\(display.path ?? normal) is not scored to its end")
    }
    let pairs = outcome.comparison.pairs
    let maps = outcome.maps.map(Map.init)
    try run.console.result(
      WithReading(
        Result(pairs: pairs.map(Pair.init), maps: boxes == nil ? nil : maps), outcome.reading),
      text: ([table(pairs)] + maps.map(\.text)).joined(separator: "\n"))
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let pairs: [Pair]
    let maps: [Map]?
  }
}

/// Shows a comparison as it goes.
private final class ScoringDisplay {
  /// What is being scored.
  private(set) var path: String?
  private let run: RunInUse
  private let reading: ReadingDisplay
  private var line: ProgressLine

  init(_ run: RunInUse) {
    self.run = run
    reading = ReadingDisplay(run.console)
    line = ProgressLine(run.console)
  }

  /// Answers whether nobody has asked it to stop.
  func show(_ event: ComparisonJob.Event) -> Bool {
    switch event {
    case .reading(let event): return reading.show(event)
    case .seen(let remark): run.console.warn("\(remark)")
    case .scoring(let path, let done, let total):
      if path != self.path { line = ProgressLine(run.console) }
      self.path = path
      line.update("scoring \(path)", Double(done), of: total, "images")
      if done == total { line.clear() }
    }
    return !run.interruption.isRequested
  }
}
