import ArgumentParser
import Files
import Models
import Reports
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how likely a set of images is.",
    discussion: """
      Exact nats an image and bits per dimension, each with the standard error of its mean. Where \
      the model has all 256 levels, also the bits per dimension of the same images as optimised PNG \
      files. --orders averages the joint probability of each image over several orders of its \
      pixels, for a run trained with --orders.

      A run of classes (train --classes) has p(x) = Σ p(y) p(x | y). With --classes it also tells the \
      classes of the images: accuracy, log loss and expected calibration error of p(y | x).

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
    let run = try options.open(runFolder)
    let trained = run.trained
    let orders = try averaging.orders(of: trained, at: run.path)
    let images = try run.load(data, useClasses: classes)
    let line = ProgressLine(run.console)
    let start = ContinuousClock.now
    func goesOn(_ done: Int) -> Bool {
      line.update("evaluating", Double(done), of: images.count, "images")
      return !run.interruption.isRequested
    }
    let (pixels, seed) = (trained.configuration.pixels, trained.configuration.seed)
    let told = classes ? trained.mixture : nil
    let classification = told?.classification(
      of: images, pixels: pixels, seed: seed, in: trained.context, progress: goesOn)
    let likelihood =
      classification?.likelihood
      ?? trained.model.likelihood(
        of: images, pixels: pixels, seed: seed, over: orders, batch: trained.model.inferenceBatch,
        in: trained.context, progress: goesOn)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    line.clear()
    guard likelihood.nats.count == images.count else {
      throw CommandError.stopped("\(likelihood.nats.count) of \(images.count) images evaluated")
    }
    if let index = likelihood.nats.firstIndex(where: { !$0.isFinite }) {
      throw FileError(
        images.names[index], expected: "a finite likelihood",
        found: "\(likelihood.nats[index]) nats; the weights of the run are beyond all measure")
    }
    let png =
      pixels == .levels(256) ? images.optimisedPNGBitsPerDimension : nil
    let result = Result(
      likelihood, orders: orders.count, seconds: seconds, png: png,
      classification.map { ClassesResult($0, logPrior: told?.logPrior ?? []) })
    try run.console.result(
      WithReading(result, ReadingReport([(data, images)])), text: result.text)
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

    init(
      _ likelihood: LikelihoodSummary, orders: Int, seconds: Double, png: Double?,
      _ classes: ClassesResult?
    ) {
      (self.orders, self.classes) = (orders, classes)
      images = likelihood.nats.count
      natsPerImage = likelihood.natsPerImage
      natsStandardError = OrNull(likelihood.standardError)
      bitsPerDimension = likelihood.bitsPerDimension
      bitsPerDimensionStandardError = OrNull(
        likelihood.bitsPerDimension(likelihood.standardError))
      imagesPerSecond = Double(images) / seconds
      pngBitsPerDimension = png
    }

    var text: String {
      func withError(_ value: Double, _ error: OrNull, _ decimals: Int) -> String {
        fixed(value, decimals) + (error.value.map { " ± \(fixed($0, decimals))" } ?? "")
      }
      return
        "\(counted(images, "image"))\(orders > 1 ? " over \(orders) orders" : ""): \(withError(natsPerImage, natsStandardError, 3)) nats an image,"
        + " \(withError(bitsPerDimension, bitsPerDimensionStandardError, 5)) bits/dim"
        + (pngBitsPerDimension.map { " (optimised PNG \(fixed($0, 3)))" } ?? "")
        + ", \(short(imagesPerSecond)) images/s"
        + (classes.map { "\n" + $0.text } ?? "")
    }
  }
}
