import ArgumentParser
import Models
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure how likely a set of images is.",
    discussion: """
      Exact nats an image and bits per dimension, each with the standard error of its mean.

      Example: scanline evaluate runs/photos held-out
      """)

  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var runPath: String

  @Argument(help: "The images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Flag(help: "Make an unreadable file an error.")
  var strict = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    common.prepare()
    let console = common.console
    let interruption = Interruption()
    let trained = try TrainedModel(run: runPath)
    let images = try load(data, for: trained, strict: strict, console)
    let line = ProgressLine(console)
    let start = ContinuousClock.now
    let likelihood = trained.model.likelihood(
      of: images, pixels: trained.configuration.pixels, seed: trained.configuration.seed,
      batch: trained.model.inferenceBatch, in: trained.context
    ) { done in
      line.update("evaluating", Double(done), of: images.count, "images")
      return !interruption.isRequested
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    line.clear()
    guard likelihood.nats.count == images.count else {
      throw CommandError.stopped("\(likelihood.nats.count) of \(images.count) images evaluated")
    }
    let result = Result(likelihood, seconds: seconds)
    try console.result(result, text: result.text)
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let images: Int
    let natsPerImage: Double
    let natsStandardError: OrNull
    let bitsPerDimension: Double
    let bitsPerDimensionStandardError: OrNull
    let imagesPerSecond: Double

    init(_ likelihood: LikelihoodSummary, seconds: Double) {
      images = likelihood.nats.count
      natsPerImage = likelihood.natsPerImage
      natsStandardError = OrNull(likelihood.standardError)
      bitsPerDimension = likelihood.bitsPerDimension
      bitsPerDimensionStandardError = OrNull(
        likelihood.bitsPerDimension(likelihood.standardError))
      imagesPerSecond = Double(images) / seconds
    }

    var text: String {
      func withError(_ value: Double, _ error: OrNull, _ decimals: Int) -> String {
        fixed(value, decimals) + (error.value.map { " ± \(fixed($0, decimals))" } ?? "")
      }
      return "\(images) images: \(withError(natsPerImage, natsStandardError, 3)) nats an image,"
        + " \(withError(bitsPerDimension, bitsPerDimensionStandardError, 5)) bits/dim,"
        + " \(short(imagesPerSecond)) images/s"
    }
  }
}
