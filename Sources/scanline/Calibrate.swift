import ArgumentParser
import Detection
import Files
import Foundation
import Images
import Jobs
import Reports
import Training

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
    if run.trained.configuration.experts == true {
      throw FileError(
        run.path, expected: "a run of one model",
        found: "both experts, which rank images among those that their training set aside")
    }
    let (calibration, images) = try run.calibration(
      on: data, further: further.scores(of: run), controls: true)
    let file = run.trained.run.calibrationFile
    try calibration.write(to: file)
    if let controls = calibration.controls, !controls.isEmpty {
      run.console.note(Control.table(of: controls))
    }
    let reading = ReadingReport([(data, images)])
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

extension RunInUse {
  /// The calibration that held-out normal images make, and the images.
  /// - Parameters:
  ///   - rate: the options of a rate that it must resolve, checked before anything is scored.
  ///   - controls: whether to try what it tells apart.
  func calibration(
    on path: String, rate: FalseAlarmOptions? = nil, further: FurtherScores = FurtherScores(),
    controls: Bool = false
  ) throws -> (Calibration, images: DataSet) {
    let images = try load(path)
    try rate?.check(images.count, of: path)
    let heldOut = try requireHeldOut(images, path)
    let description = "\(path), \(counted(images.count, "image"))"
    let more = controls ? Control.count(from: images.count) : 0
    let calibration = try watching(path, images.count + more) { progress in
      try trained.calibration(
        on: images, description, heldOut: heldOut, further: further, controls: controls
      ) { done, _ in progress(done) }
    }
    return (calibration, images)
  }
}
