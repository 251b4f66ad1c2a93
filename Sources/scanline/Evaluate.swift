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
      pixels, for a run trained with --orders; --also averages it over further runs, each as much as \
      the first and over as many of the orders as it knows.

      A run of classes (train --classes) has p(x) = Σ p(y) p(x | y). With --classes it also tells the \
      classes of the images: accuracy, log loss and expected calibration error of p(y | x).

      Of a run of a classifier (train --model resnet) these three are all that is measured.

      Example: scanline evaluate runs/photos held-out
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "The images: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @OptionGroup var averaging: OrdersOption

  @Option(
    help: ArgumentHelp(
      "Average the probability of each image over this run of the same images too; may be repeated.",
      valueName: "run"))
  var also: [String] = []

  @Flag(
    help: "Tell the classes of images, labelled as train --classes labels them, by p(x | y) p(y).")
  var classes = false

  @OptionGroup var options: UseOptions

  func validate() throws {
    guard classes else { return }
    if averaging.orders > 1 {
      throw ValidationError("--orders: expected 1 with --classes, found \(averaging.orders)")
    }
    if let other = also.first {
      throw ValidationError("--also: expected no further run with --classes, found \(other)")
    }
  }

  func run() throws {
    try requirePath("DATA", data)
    if try RunConfiguration.read(from: .open(at: runFolder.path)).model.family.isClassifier {
      return try evaluateClassifier()
    }
    let run = try options.open(runFolder)
    var job = EvaluationJob(run.trained, data: data)
    job.others = try also.map {
      try TrainedModel(run: $0, precision: options.precision.precision)
    }
    job.orders = try averaging.orders(of: [run.trained] + job.others)
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
    let result = LikelihoodResult(
      outcome, of: job, logPrior: run.trained.mixture?.logPrior ?? [])
    try run.console.result(WithReading(result, outcome.reading), text: result.text)
  }
}
