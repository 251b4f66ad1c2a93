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

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The held-out normal images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @OptionGroup var options: UseOptions

  func run() throws {
    let run = try options.open(runFolder)
    let calibration = try run.calibration(on: data)
    let file = run.trained.run.calibrationFile
    try calibration.write(to: file)
    let result = Result(
      run: run.path, data: data, images: calibration.count, file: file,
      leastFalseAlarmRate: 1 / Double(calibration.count + 1))
    try run.console.result(
      result,
      text: "\(counted(calibration.count, "image")) in \(file); false-alarm rates from"
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

extension RunInUse {
  /// The calibration that held-out normal images make.
  /// - Parameter rate: the options of a rate that it must resolve, checked before anything is scored.
  func calibration(on path: String, rate: FalseAlarmOptions? = nil) throws -> Calibration {
    warnOfOverlap(path)
    let images = try load(path)
    try rate?.check(images.count, of: path)
    let description = "\(path), \(counted(images.count, "image"))"
    return try watching(path, images.count) { progress in
      try Scorer(trained).calibration(of: images, description, progress: progress)
    }
  }

  /// Which images were trained on is known by the path of their folder or file alone.
  private func warnOfOverlap(_ path: String) {
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
}
