import ArgumentParser
import Files
import Foundation
import Jobs
import Reports

struct Purify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Move odd images, a little, toward what a run holds likely.",
    discussion: """
      Each sub-pixel becomes the likeliest near what it was, given all before it as they have become \
      (PixelDefend, Song 2018); then all of them move along the gradient of log p, within --epsilon of what \
      they were: what an attacker has added so is taken off, and what is there stays. \
      Images whose p-value is above --below are left alone. Writes images/, moves/ (orange: brighter, \
      blue: darker), purified.csv and sheet.png.

      It defends against who does not know of it. Who does can attack it together with the classifier.

      Example: scanline purify runs/photos incoming --epsilon 8 --out purified
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder, one image, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String

  @Option(help: "The most that an intensity of 0 ... 255 is moved.")
  var epsilon = 8

  @Option(
    help: ArgumentHelp("Images of a higher p-value are left alone.", valueName: "p"),
    transform: decimal)
  var below = 0.1

  @OptionGroup var output: OutputOptions

  @OptionGroup var options: UseOptions

  func validate() throws {
    try requirePath("--out", outPath)
    try requirePath("DATA", data)
    try expect("--epsilon", epsilon, "1 ... 255") { (1...255).contains($0) }
    try expect("--below", below, "0 ... 1") { (0...1).contains($0) }
  }

  func run() throws {
    let run = try options.open(runFolder)
    let images = try run.load(data)
    var job = try PurificationJob(run.trained, images, epsilon: epsilon)
    job.below = below
    job.overwrites = output.overwrite
    job.inputs = [data]
    let line = ProgressLine(run.console)
    let outcome = try job.run(to: outPath) { stage, done, count in
      line.update(stage.rawValue, done, of: count, "images")
      return !run.interruption.isRequested
    }
    line.clear()
    guard let outcome else { throw CommandError.stopped("nothing is in \(outPath)") }
    let reading = ReadingReport(data, skipped: images.skipped, flawed: images.flawed)
    let result = PurificationResult(outcome, run: runFolder.path, epsilon: epsilon, out: outPath)
    try run.console.result(WithReading(result, reading), text: result.text)
  }
}

/// What `purify` prints.
struct PurificationResult: Encodable {
  let run: String
  let images: Int
  let moved: Int
  let epsilon: Int
  /// Medians over the images that were moved.
  let pValue: OrNull
  let pValueAfter: OrNull
  let seconds: Double
  let out: String

  init(_ outcome: PurificationJob.Outcome, run: String, epsilon: Int, out: String) {
    func median(_ values: [Double]) -> Double? {
      values.isEmpty ? nil : values.sorted()[values.count / 2]
    }
    let moved = outcome.images.filter { $0.moved > 0 }
    (self.run, self.epsilon, self.out) = (run, epsilon, out)
    (images, self.moved, seconds) = (outcome.images.count, moved.count, outcome.seconds)
    pValue = OrNull(median(moved.map(\.pValue)))
    pValueAfter = OrNull(median(moved.map(\.pValueAfter)))
  }

  var text: String {
    var text = "\(moved) of \(counted(images, "image")) moved by \(epsilon) at most"
    if let before = pValue.value, let after = pValueAfter.value {
      text += ", p-values in the median \(significant(before)) before, \(significant(after)) after"
    }
    return text + "; see \(out)"
  }
}
