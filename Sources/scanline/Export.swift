import ArgumentParser
import Files
import Jobs
import Training

extension StoredPrecision: ExpressibleByArgument {}

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a small copy of a run for others to use, with a card.",
    discussion: """
      The copy holds weights for use alone, half the size, how training went, and README.md: what it \
      is, what trained it and how likely the test images are, by the weights as they are stored. \
      make results finds all such figures again.

      Example: scanline export runs/nade --out runs/static-mnist-nade --test \
      datasets/public/binarized-mnist/binarized_mnist_test.amat --data-name "static binarized MNIST"
      """)

  @OptionGroup var runFolder: RunArgument

  @Option(
    name: .customLong("out"),
    help: ArgumentHelp("The folder to make for the copy.", valueName: "folder"))
  var outPath: String

  @Option(
    help: ArgumentHelp(
      "Test images: a folder, an IDX, CIFAR, .amat or .npy file.", valueName: "data"))
  var test: String

  @OptionGroup var averaging: OrdersOption

  @Option(
    help: ArgumentHelp(
      "Tell the figures with this exported run beside it too; may be repeated.",
      valueName: "run"))
  var also: [String] = []

  @Option(help: "What weights are stored in.")
  var weights = StoredPrecision.float16

  @Option(help: ArgumentHelp("What the images are, in words.", valueName: "text"))
  var dataName: String?

  @Option(help: ArgumentHelp("What may be done with the images, in words.", valueName: "text"))
  var licence: String?

  @Option(
    help: ArgumentHelp(
      "What it was trained by. (default: scanline train, with the run's settings)",
      valueName: "text"))
  var command: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try requirePath("--out", outPath)
    try requirePath("--test", test)
    for path in also { try requirePath("--also", path) }
  }

  func run() throws {
    common.prepare()
    let interruption = Interruption()
    var job = ExportJob(of: runFolder.path, test: test)
    job.orders = averaging.orders
    job.others = also
    job.precision = weights
    job.dataName = dataName
    job.licence = licence
    job.command = command
    let console = common.console
    let line = ProgressLine(console)
    let reading = ReadingDisplay(console)
    var outcome: ExportJob.Outcome?
    do {
      outcome = try job.run(to: outPath) { event in
        switch event {
        case .reading(let news): return reading.show(news)
        case .evaluating(let done, let total):
          line.update("evaluating", Double(done), of: total, "images")
          return !interruption.isRequested
        }
      }
    } catch let error as OptionError {
      throw ValidationError(error.description)
    }
    line.clear()
    guard let outcome else { throw CommandError.stopped("\(outPath) is not made") }
    let result = ExportResult(outcome)
    try console.result(result, text: result.text)
  }
}
