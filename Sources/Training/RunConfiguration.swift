import Files
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
  /// The names of the classes that the model is told, in the order of its labels; nil for none.
  public var classNames: [String]?
  /// How it is trained: by the latest schedule.
  public var training: TrainingOptions
  /// The schedules before that one, where the run has been taken further after its end.
  public var earlier: [EndedSchedule]?
  /// How crops are taken, where the model learns from crops of images of any size.
  public var crops: CropOptions?
  /// Whether the run is also to hold a global expert and a verdict of whole images by both.
  public var experts: Bool?
  /// The run whose weights it starts from; nil: weights of its own.
  public var start: Start?
  /// Keys the draws of training: order of images, binarization. First weights have the model's own.
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

  /// The orders that the model has learned to tell images in, raster order first.
  public var orders: [Order] { Array(Order.all(of: model.image).prefix(model.orders ?? 1)) }

  /// How a data set must be loaded to fit the model.
  public var loadingOptions: LoadingOptions {
    LoadingOptions(size: (model.image.width, model.image.height), channels: model.image.channels)
  }

  /// The configuration of a run folder.
  /// - Throws: `FileError` naming the file and the field.
  public static func read(from run: RunFolder) throws -> RunConfiguration {
    // Another version need not have the fields of this one.
    let format = try run.readConfiguration(Version.self).format
    guard format == 1 else {
      throw FileError(run.configurationFile, "format", expected: "1", found: "\(format)")
    }
    let configuration = try run.readConfiguration(RunConfiguration.self)
    try configuration.check(run.configurationFile)
    return configuration
  }

  /// Refuses to train in a precision that this processor has no instructions for: emulated, it would
  /// crawl. Scores are computed in float32 whatever the training had, so such a run can still be used.
  /// - Throws: `FileError` naming the run's configuration file and the field.
  public func requirePrecision(of backend: any Backend, for run: RunFolder) throws {
    guard !backend.multiplies(training.precision) else { return }
    throw FileError(
      run.configurationFile, "training.precision",
      expected: "float32, the only one that this processor trains in",
      found: training.precision.rawValue)
  }

  private struct Version: Decodable {
    let format: Int
  }

  /// Refuses values that decode but that no run has.
  private func check(_ file: String) throws {
    guard (1...8192).contains(model.image.height), (1...8192).contains(model.image.width),
      model.image.channels == 1 || model.image.channels == 3
    else {
      throw FileError(
        file, "model.image", expected: "sides 1 ... 8192 and 1 or 3 channels",
        found: "\(model.image)")
    }
    guard pixels.levels == model.head.levels else {
      throw FileError(
        file, "model.head.levels", expected: "the \(pixels.levels) of pixels",
        found: "\(model.head.levels)")
    }
    do {
      _ = try ModelSpecification(
        name: model.name, settings: model.settings, head: model.head, image: model.image,
        classes: model.classes, orders: model.orders, seed: model.seed)
    } catch let error as ModelError {
      throw FileError(file, problem: error.description)
    }
    guard classNames?.count == model.classes, Set(classNames ?? []).count == model.classes ?? 0
    else {
      throw FileError(
        file, "classNames",
        expected: "\(model.classes ?? 0) different names, as many as model.classes",
        found: "\(classNames?.count ?? 0)")
    }
    if let rank = start?.adapters, !(1...1_024).contains(rank) {
      throw FileError(file, "start.adapters", expected: "1 ... 1024", found: "\(rank)")
    }
    for (field, isSensible, expected, found) in training.checks where !isSensible {
      throw FileError(file, "training.\(field)", expected: expected, found: found)
    }
    guard training.augmentation?.rotates != true || model.image.height == model.image.width else {
      throw FileError(
        file, "training.augmentation.rotates", expected: "false, as images are not square",
        found: "true")
    }
    if let crops {
      guard crops.width == model.image.width, crops.height == model.image.height, crops.scale > 0,
        crops.scale <= 1
      else {
        throw FileError(
          file, "crops", expected: "a scale above 0 and at most 1, and the size of the model",
          found: "\(crops.width)x\(crops.height) at \(crops.scale)")
      }
    }
    guard let last = earlier?.last else { return }
    let end: Double =
      switch training.duration {
      case .epochs(let count): Double(count)
      case .minutes(let minutes): 60 * minutes
      }
    let begun =
      if case .epochs = training.duration { Double(last.epochs) } else { last.seconds }
    guard end > begun, (1...1 << 52).contains(last.steps), last.epochs >= 1, last.seconds >= 0
    else {
      throw FileError(
        file, "training.duration", expected: "more than the \(begun) of the schedules before it",
        found: "\(end)")
    }
  }
}
