import ArgumentParser
import Files
import Foundation
import Reports
import RunFiles
import Training

struct Curves: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw how trainings went, several runs in one plot.",
    discussion: """
      Validation over the time of training, nats an image (bits per dimension where runs have images \
      of different sizes), as an SVG file; and for each run its best, and when it was first as low as \
      --target.

      Example: scanline curves runs/nade runs/pixelcnn --out curves.svg --target 84
      """)

  enum Axis: String, CaseIterable, ExpressibleByArgument {
    case minutes, epochs
  }

  @Argument(help: ArgumentHelp("The folders of runs.", valueName: "run"))
  var runs: [String]

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The SVG file to write.", valueName: "file"))
  var outPath: String

  @Option(help: "What runs along the bottom.")
  var by = Axis.minutes

  @Option(help: "A validation to be reached, in the unit of the plot.", transform: decimal)
  var target: Double?

  @OptionGroup var output: OutputOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try requirePath("--out", outPath)
    for path in runs { try requirePath("RUN", path) }
    try expect("--target", target, "a finite number") { $0.isFinite }
  }

  func run() throws {
    common.prepare()
    try AtomicFile.requireWritable(outPath)
    try OutputFile.requireReplaceable(
      outPath, inputs: [], overwrite: output.overwrite, tables: [CurvesPlot.beginning])
    let all = try runs.map(History.init)
    let usesNats = Set(all.map(\.dimension)).count == 1
    let series = all.map { history in
      CurvesPlot.Series(
        name: history.path,
        points: history.rows.map { row in
          CurvesPlot.Point(
            x: by == .minutes ? row.seconds / 60 : Double(row.epoch),
            y: usesNats ? row.nats : row.nats / (Double(history.dimension) * log(2)))
        })
    }
    let unit = usesNats ? "nats an image" : "bits per dimension"
    let plot = CurvesPlot(
      title: "Validation", xLabel: by == .minutes ? "minutes of training" : "epochs",
      yLabel: unit, series: series, target: target)
    try AtomicFile.write(Array(plot.svg.utf8), to: outPath)
    let result = Result(
      out: outPath, unit: unit, by: by.rawValue, target: target,
      runs: series.map {
        .init(run: $0.name, best: $0.best, reached: target.flatMap($0.reaches))
      })
    try common.console.result(result, text: result.text)
  }

  /// The validations of a run.
  private struct History {
    let path: String
    let dimension: Int
    var rows: [(seconds: Double, epoch: Int, nats: Double)] = []

    init(_ path: String) throws {
      self.path = path
      let run = try RunFolder.open(at: path)
      dimension = try RunConfiguration.read(from: run).model.image.dimension
      for row in try MetricsLog.rows(of: run.metricsFile) {
        guard let nats = row.validationNatsPerImage else { continue }
        rows.append((row.seconds, row.epoch, nats))
      }
      guard !rows.isEmpty else {
        throw FileError(run.metricsFile, expected: "validations of the run", found: "none")
      }
    }
  }

  /// What `--json` prints; `reached` in minutes or epochs.
  private struct Result: Encodable {
    struct Run: Encodable {
      let run: String
      let best: Double
      let reached: Double?
    }

    let out: String
    let unit: String
    let by: String
    let target: Double?
    let runs: [Run]

    var text: String {
      let lines = runs.map { run in
        let goal = target.map { target in
          run.reached.map { ", \(short(target)) after \(short($0)) \(by)" }
            ?? ", \(short(target)) not reached"
        }
        return "\(run.run): \(fixed(run.best, run.best < 20 ? 4 : 2)) \(unit)\(goal ?? "")"
      }
      return (lines + ["see \(out)"]).joined(separator: "\n")
    }
  }
}
