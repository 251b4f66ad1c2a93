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
      files.

      Example: scanline evaluate runs/photos held-out
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Option(
    help: """
      Average the probability of an image over so many orders of its sub-pixels: of deep-nade any number, \
      of made with --set orders=N up to N. The first is the raster's.
      """)
  var orders = 1

  @OptionGroup var options: UseOptions

  func run() throws {
    let run = try options.open(runFolder)
    let trained = run.trained
    let known = (trained.model as? any Reordering).map { $0.orderCount ?? .max } ?? 1
    guard (1...known).contains(orders) else {
      let expected =
        known == 1 ? "1, as the model has no more" : known == .max ? "1 or more" : "1 ... \(known)"
      throw CommandError("--orders: expected \(expected), found \(orders)")
    }
    let images = try run.load(data)
    let line = ProgressLine(run.console)
    let start = ContinuousClock.now
    let likelihood = trained.model.likelihood(
      of: images, pixels: trained.configuration.pixels, seed: trained.configuration.seed,
      batch: trained.model.inferenceBatch, orders: orders, in: trained.context
    ) { done in
      line.update("evaluating", Double(done), of: images.count, "images")
      return !run.interruption.isRequested
    }
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
      trained.configuration.pixels == .levels(256) ? images.optimisedPNGBitsPerDimension : nil
    let result = Result(likelihood, orders: orders, seconds: seconds, png: png)
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

    init(_ likelihood: LikelihoodSummary, orders: Int, seconds: Double, png: Double?) {
      (images, self.orders) = (likelihood.nats.count, orders)
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
        "\(counted(images, "image"))\(orders > 1 ? " over \(orders) orders" : ""):"
        + " \(withError(natsPerImage, natsStandardError, 3)) nats an image,"
        + " \(withError(bitsPerDimension, bitsPerDimensionStandardError, 5)) bits/dim"
        + (pngBitsPerDimension.map { " (optimised PNG \(fixed($0, 3)))" } ?? "")
        + ", \(short(imagesPerSecond)) images/s"
    }
  }
}
