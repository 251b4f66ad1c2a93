import ArgumentParser
import Detection
import Foundation
import Training

struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Store the scores of held-out normal images in a run.",
    discussion: """
      Later images are ranked among these. They must be normal, and neither trained nor validated \
      on: on those the model is too sure, and false alarms come more often than asked for. A \
      false-alarm rate A needs at least 1/A - 1 of them.

      Example: scanline calibrate runs/parts held-out
      """)

  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var runPath: String

  @Argument(help: "The held-out normal images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Flag(help: "Make an unreadable file an error.")
  var strict = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    common.prepare()
    let console = common.console
    let interruption = Interruption()
    let trained = try TrainedModel(run: runPath)
    let calibration = try calibration(
      of: trained, on: data, strict: strict, console, interruption)
    let file = trained.run.calibrationFile
    try calibration.write(to: file)
    let result = Result(
      run: runPath, data: data, images: calibration.count, file: file,
      leastFalseAlarmRate: 1 / Double(calibration.count + 1))
    try console.result(
      result,
      text: "\(calibration.count) images in \(file); false-alarm rates from"
        + " \(String(format: "%.2g", result.leastFalseAlarmRate)) up can be asked for")
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let run: String
    let data: String
    let images: Int
    let file: String
    let leastFalseAlarmRate: Double
  }
}

/// The calibration that held-out normal images make.
/// - Parameter rate: the options of a rate that it must resolve, checked before anything is scored.
func calibration(
  of trained: TrainedModel, on path: String, strict: Bool, rate: FalseAlarmOptions? = nil,
  _ console: Console, _ interruption: Interruption
) throws -> Calibration {
  warnOfOverlap(trained, path, console)
  let images = try load(path, for: trained, strict: strict, console)
  try rate?.check(images.count, of: path)
  let table = try scores(
    of: images, named: path, by: Scorer(trained), console, interruption)
  return try table.calibration("\(path), \(images.count) images", of: trained)
}

/// Which images were trained on is known by the path of their folder or file alone.
private func warnOfOverlap(_ trained: TrainedModel, _ path: String, _ console: Console) {
  func whole(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
  }
  let used = trained.configuration.data
  for (name, use) in [(used.path, "trained"), (used.validationPath ?? used.path, "validated")]
  where whole(name) == whole(path) {
    console.warn(
      "\(path): the run was \(use) on it; false alarms will come more often than asked for")
    return
  }
  console.note(
    "\(path): taken as held out; whether the run has seen some of these images is not known")
}
