import ArgumentParser
import Foundation
import OneDNN
import Reports
import RunFiles
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Learn the density of a set of images.",
    discussion: """
      Example: scanline train photos --run runs/photos --model pixelcnn --size 32x32 --minutes 20

      Ctrl-C stops after the step under way, with a checkpoint; again, it ends at once. Then, or after
      a crash, the same DATA and RUN with --resume go on, and with --epochs reach the same weights as
      if nothing had happened. A stopped training ends with status 130.
      """)

  enum Binarization: String, CaseIterable, ExpressibleByArgument {
    case threshold, stochastic
  }

  @Argument(help: "The images to learn: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String

  @Option(name: .customLong("run"), help: "The folder to make for the run.")
  var runPath: String

  @Option(help: "Model family; see scanline models. (default: pixelcnn)")
  var model: String?

  @Option(help: "Distribution of a sub-pixel. (default: bernoulli for binary images)")
  var head: HeadName?

  @Option(help: "Levels of a sub-pixel, 2 ... 256. (default: 256)")
  var levels: Int?

  @Option(help: "Make images binary: at mid-grey, or by a fresh draw each epoch.")
  var binarize: Binarization?

  @Option(help: "Bring images to this size, WxH.")
  var size: Size?

  @Option(help: "Bring images to gray or rgb. (default: as they are)")
  var channels: Channels?

  @Option(help: "Images to validate on. (default: a tenth of DATA, split by content)")
  var validation: String?

  @Option(help: "Passes over the images. (default: 20)")
  var epochs: Int?

  @Option(help: "Minutes to train instead.")
  var minutes: Double?

  @Option(help: "Images a step. (default: the model's)")
  var batch: Int?

  @Option(name: .customLong("learning-rate"), help: "Highest rate of AdamW. (default: the model's)")
  var learningRate: Double?

  @Option(name: .customLong("weight-decay"), help: "Decoupled weight decay. (default: 0)")
  var weightDecay: Double?

  @Option(help: "Precision of activations. (default: bfloat16 where it pays)")
  var precision: PrecisionName?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: "A setting of the model, name=value; may be repeated.")
  var settings: [String] = []

  @Flag(
    help: """
      Label images by their first-level subfolder, without which they are skipped, and count them by \
      class; no model learns labels yet.
      """)
  var classes = false

  @Flag(help: "Make an unreadable file an error.")
  var strict = false

  @Flag(help: "Go on with the run from its last checkpoint.")
  var resume = false

  @Option(
    name: .customLong("checkpoint-every"),
    help: ArgumentHelp("Seconds of training that a crash can cost.", valueName: "seconds"))
  var checkpointInterval: Double = 60

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try precision?.require("--precision")
    if epochs != nil && minutes != nil {
      throw ValidationError("expected --epochs or --minutes, found both")
    }
    try expect("--epochs", epochs, "1 ... 1000000000") { (1...1_000_000_000).contains($0) }
    try expect("--batch", batch, "1 ... 1048576") { (1...1_048_576).contains($0) }
    try expect("--minutes", minutes, "more than 0, at most 10000000") { $0 > 0 && $0 <= 1e7 }
    try expect("--learning-rate", learningRate, "more than 0") { $0 > 0 && $0.isFinite }
    try expect("--weight-decay", weightDecay, "0 or more") { $0 >= 0 && $0.isFinite }
    try expect("--checkpoint-every", checkpointInterval, "0 or more") { $0 >= 0 }
    try expect("--levels", levels, "2 ... 256") { (2...256).contains($0) }
    if let levels, levels != 2 {
      if binarize != nil {
        throw ValidationError("--binarize makes 2 levels, found --levels \(levels)")
      }
      if head == .bernoulli {
        throw ValidationError("--head bernoulli has 2 levels, found --levels \(levels)")
      }
    }
    let settings = try parsedSettings()
    // A resumed run has its own model, which these must be settings of.
    if !resume || model != nil { try requireModel(model ?? defaultModel, settings) }
  }

  var defaultModel: String { "pixelcnn" }

  func parsedSettings() throws -> [String: String] { try scanline.parsedSettings(settings) }

  func run() throws {
    common.prepare()
    let console = common.console
    let job = try resume ? TrainingJob(resuming: self) : TrainingJob(beginning: self)
    let trainer = try trainer(for: job)
    // From here on there is something to save, which takes as long as it takes. And whoever reads the
    // messages may be ended by the same signal: a broken pipe must not come before the checkpoint.
    let interruption = Interruption(patience: nil)
    signal(SIGPIPE, SIG_IGN)
    let display = TrainingDisplay(console, interruption, job.configuration)
    display.begin(trainer, at: runPath)
    defer { display.end() }
    let sheets = SampleSheets(of: trainer, in: job.folder.samplesFolder, interruption)
    let summary = try trainer.train { progress in
      let goesOn = display.show(progress)
      if goesOn, case .epochEnd = progress.moment { try sheets.epochEnded(progress) }
      return goesOn
    }
    display.end()
    let result = TrainingResult(run: runPath, summary)
    guard summary.interrupted, let code = interruption.exitCode else {
      try console.result(result, text: result.text)
      return
    }
    // Where the terminal was closed there is nobody to tell.
    try? console.result(result, text: result.text)
    console.note("go on with: \(commandToGoOn)")
    throw code
  }

  private func trainer(for job: TrainingJob) throws -> Trainer {
    do {
      return try Trainer(
        run: job.folder, configuration: job.configuration, training: job.training,
        validation: job.validation, backend: OneDNNBackend.shared,
        checkpointInterval: checkpointInterval)
    } catch  where !resume {
      // A run that cannot be begun leaves its name to one that can.
      unlink(job.folder.configurationFile)
      throw error
    }
  }

  /// What to type after an interruption: the rest is in the run's configuration.
  private var commandToGoOn: String {
    var words = ["scanline", "train", data, "--run", runPath, "--resume"]
    // Another number of threads adds in another order.
    if let threads = common.threads { words += ["--threads", "\(threads)"] }
    return shellLine(words)
  }
}
