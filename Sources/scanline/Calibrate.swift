import ArgumentParser
import Detection
import Foundation
import Reports

struct Calibrate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Store the scores of held-out normal images in a run.",
    discussion: """
      Later images are ranked among these, in place of those that train set aside. They must be \
      normal, and neither trained nor validated on: on those the model is too sure, and false alarms \
      come more often than asked for. The run knows those by content, and is not calibrated where \
      more than one in twenty was trained on. A false-alarm rate A needs at least 1/A - 1 of them.

      Example: scanline calibrate runs/parts held-out

      Scores that take passes of their own (--with) are stored where they are asked for; flag and score \
      then judge by them with --score.
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The held-out normal images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @OptionGroup var further: FurtherOptions

  @OptionGroup var options: UseOptions

  func run() throws {
    let run = try options.open(runFolder)
    let (calibration, reading) = try run.calibration(on: data, further: further.scores(of: run))
    let file = run.trained.run.calibrationFile
    try calibration.write(to: file)
    if let controls = calibration.controls, !controls.isEmpty {
      run.console.note(Control.table(of: controls))
    }
    try reading.write(to: run.trained.run.calibrationUnreadableFile, run.console)
    let result = Result(
      run: run.path, data: data, images: calibration.count, heldOut: calibration.heldOut,
      file: file,
      leastFalseAlarmRate: 1 / Double(calibration.rankedImages() + 1),
      controls: calibration.controls ?? [])
    let kind = calibration.heldOut == true ? "held-out image" : "image"
    try run.console.result(
      WithReading(result, reading),
      text: "\(counted(calibration.count, kind)) in \(file); false-alarm rates from"
        + " \(String(format: "%.2g", result.leastFalseAlarmRate)) up can be asked for")
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let run: String
    let data: String
    let images: Int
    /// Nil where it is not known.
    let heldOut: Bool?
    let file: String
    let leastFalseAlarmRate: Double
    let controls: [Control.Result]
  }
}
