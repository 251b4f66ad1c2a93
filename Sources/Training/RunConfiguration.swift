import Images
import Models
import RunFiles
import Tensors

/// What a run is: the model, how intensities become its symbols, and how it is trained. Kept as
/// `config.json`, it is all that is needed, beside the weights, to use the run elsewhere.
public struct RunConfiguration: Codable, Equatable, Sendable {
  /// Version of this format.
  public var format = 1
  public var model: ModelSpecification
  public var pixels: PixelEncoding
  public var data: DataDescription
  public var training: TrainingOptions
  /// Keys every draw: first weights, order of images, binarization, split.
  public var seed: UInt64

  public init(
    model: ModelSpecification, pixels: PixelEncoding, data: DataDescription,
    training: TrainingOptions, seed: UInt64
  ) {
    self.model = model
    self.pixels = pixels
    self.data = data
    self.training = training
    self.seed = seed
  }

  /// The configuration of a run folder.
  /// - Throws: `RunFileError` naming the file and the field, `ModelError` for a model that this
  ///   version does not know.
  public static func read(from run: RunFolder) throws -> RunConfiguration {
    let configuration = try run.readConfiguration(RunConfiguration.self)
    guard configuration.format == 1 else {
      throw RunFileError(
        run.configurationFile, "format", expected: "1", found: "\(configuration.format)")
    }
    let model = configuration.model
    guard (1...8192).contains(model.image.height), (1...8192).contains(model.image.width),
      model.image.channels == 1 || model.image.channels == 3
    else {
      throw RunFileError(
        run.configurationFile, "model.image", expected: "sides 1 ... 8192 and 1 or 3 channels",
        found: "\(model.image)")
    }
    guard (2...256).contains(model.head.levels), configuration.pixels.levels == model.head.levels,
      model.head.kind != .bernoulli || model.head.levels == 2
    else {
      throw RunFileError(
        run.configurationFile, "model.head.levels",
        expected: "the \(configuration.pixels.levels) of pixels", found: "\(model.head.levels)")
    }
    // Checks the name and the settings.
    _ = try ModelSpecification(
      name: model.name, settings: model.settings, head: model.head, image: model.image,
      seed: model.seed)
    return configuration
  }
}

/// The images that a run was trained on, for the record.
public struct DataDescription: Codable, Equatable, Sendable {
  public var path: String
  public var trainingImages: Int
  /// Where the validation images came from, or nil for a split by content.
  public var validationPath: String?
  public var validationImages: Int

  public init(
    path: String, trainingImages: Int, validationPath: String?, validationImages: Int
  ) {
    self.path = path
    self.trainingImages = trainingImages
    self.validationPath = validationPath
    self.validationImages = validationImages
  }
}

/// How a model is trained: AdamW with warm-up and cosine decay, clipping, and a moving average of the
/// weights, which evaluation and sampling use.
public struct TrainingOptions: Codable, Equatable, Sendable {
  /// How long to train.
  public enum Duration: Codable, Equatable, Sendable {
    /// Passes over the training images. Repeatable bit for bit.
    case epochs(Int)
    /// Minutes of training. The learning rate then follows the clock, so two runs differ.
    case minutes(Double)
  }

  public var duration: Duration
  /// Images a step.
  public var batch: Int
  /// The highest learning rate, after warm-up.
  public var learningRate: Double
  /// Share of the training during which the learning rate rises.
  public var warmup = 0.02
  /// What the learning rate falls to, as a share of the highest.
  public var finalRate = 0.01
  public var weightDecay = 0.0
  /// Largest norm of the gradient of the loss in nats a sub-pixel; longer ones are shortened to it.
  public var clip = 1.0
  /// What the moving average of the weights keeps of itself each step, once it has warmed up.
  public var averageDecay = 0.9995
  /// Precision of activations.
  public var precision = Precision.float32

  public init(duration: Duration, batch: Int, learningRate: Double) {
    self.duration = duration
    self.batch = batch
    self.learningRate = learningRate
  }

  /// The learning rate when a share 0…1 of the training is done: a linear rise, then half a cosine.
  public func learningRate(at progress: Double) -> Double {
    if progress < warmup { return learningRate * max(progress, 1e-3) / warmup }
    let fall = min(1, (progress - warmup) / (1 - warmup))
    return learningRate * (finalRate + (1 - finalRate) * 0.5 * (1 + cosine(.pi * fall)))
  }
}
