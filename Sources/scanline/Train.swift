import ArgumentParser
import Distributions
import Foundation
import Images
import Models
import OneDNN
import RunFiles
import Tensors
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Learn the density of a set of images.",
    discussion: """
      Example: scanline train photos --run runs/photos --model pixelcnn --size 32x32 --minutes 20
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

  @Option(name: .customLong("weight-decay"), help: "Decoupled weight decay.")
  var weightDecay: Double = 0

  @Option(help: "Precision of activations. (default: bfloat16 where the processor has it)")
  var precision: PrecisionName?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: "A setting of the model, name=value; may be repeated.")
  var settings: [String] = []

  @Flag(help: "Label images by their first-level subfolder.")
  var classes = false

  @Flag(help: "Make an unreadable file an error.")
  var strict = false

  @Flag(help: "Go on with the run from its last checkpoint.")
  var resume = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if epochs != nil && minutes != nil {
      throw ValidationError("expected --epochs or --minutes, found both")
    }
    try expect(epochs, "--epochs", atLeast: 1)
    try expect(batch, "--batch", atLeast: 1)
    if let minutes, !(minutes > 0 && minutes.isFinite) {
      throw ValidationError("--minutes: expected more than 0, found \(minutes)")
    }
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--learning-rate: expected more than 0, found \(learningRate)")
    }
    if !(weightDecay >= 0 && weightDecay.isFinite) {
      throw ValidationError("--weight-decay: expected 0 or more, found \(weightDecay)")
    }
    if let levels, !(2...256).contains(levels) {
      throw ValidationError("--levels: expected 2 ... 256, found \(levels)")
    }
    if binarize != nil, let levels, levels != 2 {
      throw ValidationError("--binarize makes 2 levels, found --levels \(levels)")
    }
    if head == .bernoulli, let levels, levels != 2 {
      throw ValidationError("--head bernoulli has 2 levels, found --levels \(levels)")
    }
    for setting in settings where !setting.contains("=") {
      throw ValidationError("--set: expected name=value, found \(setting)")
    }
  }

  private func expect(_ value: Int?, _ flag: String, atLeast least: Int) throws {
    if let value, value < least {
      throw ValidationError("\(flag): expected at least \(least), found \(value)")
    }
  }

  func run() throws {
    common.prepare()
    let console = common.console
    let interruption = Interruption()
    let (configuration, folder, training, validation) =
      resume ? try resumed(console) : try begun(console)
    let trainer = try Trainer(
      run: folder, configuration: configuration, training: training, validation: validation,
      backend: OneDNNBackend.shared)
    let summary = try trainer.train(watch: TrainingDisplay(console, interruption).show)
    if summary.interrupted {
      console.note("stopped; go on with: scanline train \(data) --run \(runPath) --resume")
    }
    try console.result(
      Result(run: runPath, summary), text: Result(run: runPath, summary).text)
  }

  /// A new run.
  private func begun(_ console: Console) throws -> Job {
    let options = LoadingOptions(
      size: size.map { ($0.width, $0.height) }, channels: channels?.count, useClasses: classes,
      strict: strict)
    let all = try load(data, options, console)
    let shape = ImageShape(height: all.height, width: all.width, channels: all.channels)
    let pixels = pixelEncoding(of: all)
    let name = model ?? "pixelcnn"
    let specification = try ModelSpecification(
      name: name, settings: try parsedSettings(),
      head: (head ?? (pixels.levels == 2 ? .bernoulli : .categorical)).head(pixels.levels),
      image: shape, seed: common.seed)
    let family = specification.family
    var training = TrainingOptions(
      duration: minutes.map { .minutes($0) } ?? .epochs(epochs ?? 20),
      batch: batch ?? family.batch, learningRate: learningRate ?? family.learningRate)
    training.weightDecay = weightDecay
    training.precision =
      precision?.precision
      ?? (family.prefersBFloat16 && OneDNNBackend.hasBFloat16 ? .bfloat16 : .float32)
    let (trainingData, validationData) = try split(all, shape, seed: common.seed, console)
    let configuration = RunConfiguration(
      model: specification, pixels: pixels,
      data: DataDescription(
        path: data, trainingImages: trainingData.count, validationPath: validation,
        validationImages: validationData?.count ?? 0),
      training: training, seed: common.seed)
    let folder = try RunFolder.create(at: runPath, configuration: configuration)
    return (configuration, folder, trainingData, validationData)
  }

  /// A run taken up again: its configuration decides, the data are those named now.
  private func resumed(_ console: Console) throws -> Job {
    let folder = try RunFolder.resume(at: runPath)
    let configuration = try RunConfiguration.read(from: folder)
    let shape = configuration.model.image
    let options = LoadingOptions(
      size: (shape.width, shape.height), channels: shape.channels, strict: strict)
    let all = try load(data, options, console)
    let (training, validation) = try split(all, shape, seed: configuration.seed, console)
    guard training.count == configuration.data.trainingImages else {
      throw DataError(
        data,
        "expected the \(configuration.data.trainingImages) training images that \(runPath) was begun"
          + " with, found \(training.count)")
    }
    return (configuration, folder, training, validation)
  }

  private typealias Job = (RunConfiguration, RunFolder, DataSet, DataSet?)

  private func split(_ all: DataSet, _ shape: ImageShape, seed: UInt64, _ console: Console) throws
    -> (DataSet, DataSet?)
  {
    if let validation {
      let options = LoadingOptions(
        size: (shape.width, shape.height), channels: shape.channels, strict: strict)
      return (all, try load(validation, options, console))
    }
    guard all.count > 1 else { return (all, nil) }
    let (training, validation) = all.split(seed: seed)
    return (training, validation)
  }

  private func pixelEncoding(of data: DataSet) -> PixelEncoding {
    switch binarize {
    case .threshold: .threshold
    case .stochastic: .stochastic
    case nil:
      if let levels { .levels(levels) } else if head == .bernoulli || data.levelsOfSource == 2 {
        .threshold
      } else {
        .levels(256)
      }
    }
  }

  private func parsedSettings() throws -> [String: String] {
    var result: [String: String] = [:]
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      result[String(parts[0])] = String(parts[1])
    }
    return result
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let run: String
    let epochs: Int
    let steps: Int
    let seconds: Double
    let trainBitsPerDimension: Double
    let validationNatsPerImage: Double?
    let parameters: Int
    let interrupted: Bool

    init(run: String, _ summary: Trainer.Summary) {
      self.run = run
      epochs = summary.epochs
      steps = summary.steps
      seconds = summary.seconds
      trainBitsPerDimension = summary.trainBitsPerDimension
      validationNatsPerImage = summary.validationNatsPerImage
      parameters = summary.parameters
      interrupted = summary.interrupted
    }

    var text: String {
      let loss =
        validationNatsPerImage.map { ", validation \(fixed($0, 2)) nats an image" } ?? ""
      return "\(run): \(epochs) epochs (\(steps) steps) in \(duration(seconds)), train"
        + " \(fixed(trainBitsPerDimension, 4)) bits/dim\(loss), \(parameters) parameters"
    }
  }
}

enum HeadName: String, CaseIterable, ExpressibleByArgument {
  case bernoulli
  case categorical

  func head(_ levels: Int) -> Head {
    self == .bernoulli ? .bernoulli : .categorical(levels)
  }
}

enum PrecisionName: String, CaseIterable, ExpressibleByArgument {
  case float32
  case bfloat16

  var precision: Precision { self == .float32 ? .float32 : .bfloat16 }
}
