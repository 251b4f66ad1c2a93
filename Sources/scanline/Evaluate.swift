import ArgumentParser
import Jobs
import Models
import Reports
import RunFiles
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how likely a set of images is, or how well its classes are told.",
    discussion: """
      Exact nats an image and bits per dimension, each with the standard error of its mean. Where \
      the model has all 256 levels, also the bits per dimension of the same images as optimised PNG \
      files. --orders averages the joint probability of each image over several orders of its \
      pixels, for a run trained with --orders.

      A run of classes (train --classes) has p(x) = Σ p(y) p(x | y). With --classes it also tells the \
      classes of the images: accuracy, log loss and expected calibration error of p(y | x).

      Of a run of a classifier (train --model resnet) these three are all that is measured.

      Example: scanline evaluate runs/photos held-out
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @OptionGroup var averaging: OrdersOption

  @Flag(
    help: "Tell the classes of images, labelled as train --classes labels them, by p(x | y) p(y).")
  var classes = false

  @OptionGroup var options: UseOptions

  func validate() throws {
    if classes && averaging.orders > 1 {
      throw ValidationError("--orders: expected 1 with --classes, found \(averaging.orders)")
    }
  }

  func run() throws {
    try requirePath("DATA", data)
    if try RunConfiguration.read(from: .open(at: runFolder.path)).model.family.isClassifier {
      return try evaluateClassifier()
    }
    let run = try options.open(runFolder)
    var job = EvaluationJob(run.trained, data: data)
    job.orders = try averaging.orders(of: run.trained, at: run.path)
    job.tellsClasses = classes
    (job.strict, job.followsLinks) = (run.reading.strict, run.reading.followLinks)
    if classes { try run.requireClasses() }
    let (reading, line) = (ReadingDisplay(run.console), ProgressLine(run.console))
    defer { line.clear() }
    var came = "\(data) is not read to its end"
    let outcome = try job.run { event in
      switch event {
      case .reading(let event): return reading.show(event)
      case .evaluating(let done, let count):
        came = "\(done) of \(count) images evaluated"
        line.update("evaluating", Double(done), of: count, "images")
        return !run.interruption.isRequested
      }
    }
    line.clear()
    guard let outcome else { throw CommandError.stopped(came) }
    let result = Result(
      outcome, orders: job.orders, logPrior: run.trained.mixture?.logPrior ?? [])
    try run.console.result(WithReading(result, outcome.reading), text: result.text)
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let images: Int
    let orders: Int
    let natsPerImage: Double
    let natsStandardError: OrNull
    let bitsPerDimension: Double
    let bitsPerDimensionStandardError: OrNull
    let imagesPerSecond: Double
    let pngBitsPerDimension: Double?
    /// How well classes are told, where that was asked for.
    let classes: ClassesResult?

    init(_ outcome: EvaluationJob.Outcome, orders: Int, logPrior: [Double]) {
      let likelihood = outcome.likelihood
      self.orders = orders
      classes = outcome.classification.map { ClassesResult($0, logPrior: logPrior) }
      images = likelihood.nats.count
      natsPerImage = likelihood.natsPerImage
      natsStandardError = OrNull(likelihood.standardError)
      bitsPerDimension = likelihood.bitsPerDimension
      bitsPerDimensionStandardError = OrNull(
        likelihood.bitsPerDimension(likelihood.standardError))
      imagesPerSecond = Double(images) / outcome.seconds
      pngBitsPerDimension = outcome.pngBitsPerDimension
    }

    var text: String {
      return
        "\(counted(images, "image"))\(orders > 1 ? " over \(orders) orders" : ""):"
        + " \(withError(natsPerImage, natsStandardError, 3)) nats an image,"
        + " \(withError(bitsPerDimension, bitsPerDimensionStandardError, 5)) bits/dim"
        + (pngBitsPerDimension.map { " (optimised PNG \(fixed($0, 3)))" } ?? "")
        + ", \(short(imagesPerSecond)) images/s"
        + (classes.map { "\n" + $0.text } ?? "")
    }
  }
}
