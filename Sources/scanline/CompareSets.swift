import ArgumentParser
import Detection
import Images
import Training

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

  func run() throws {
    let run = try options.open(runFolder)
    let experts = try Experts(of: run.trained)
    let calibration = try experts == nil ? run.trained.calibration() : nil
    let scorer = try Scorer(run.trained, calibration: calibration)
    if boxes != nil && experts == nil {
      throw CommandError("--boxes: expected a run of both experts, found one of a single model")
    }
    var maps: [Map] = []
    var sets: [(path: String, data: DataSet)] = []
    func table(_ path: String) throws -> ScoreTable {
      if let experts {
        let (table, map) = try self.table(path, run, by: experts)
        maps += map.map { [$0] } ?? []
        return table
      }
      let images = try run.load(path)
      sets.append((path, images[0..<0]))
      if path == normal { try run.warnOfSeen(images, path) }
      return try run.scores(of: images, named: path, by: scorer)
    }
    let normalTable = try table(normal)
    // The verdict first: it is what is judged by.
    let scores = [Score.verdict, "nats"] + scorer.scores.map(\.name)
    let columns = scores.filter { normalTable.values(of: $0) != nil }.map { score in
      Oddness(score, among: calibration?.scores[score] ?? normalTable.values(of: score)!)
    }
    var pairs: [Pair] = []
    for other in others {
      let otherTable = try table(other)
      for column in columns {
        pairs.append(
          try Pair(outOf: other, column, normalTable, otherTable, seed: options.common.seed))
      }
    }
    try run.console.result(
      WithReading(Result(pairs: pairs, maps: boxes == nil ? nil : maps), ReadingReport(sets)),
      text: ([text(pairs)] + maps.map(\.text)).joined(separator: "\n"))
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let pairs: [Pair]
    let maps: [Map]?
  }
}
