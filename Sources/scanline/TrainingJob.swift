import ArgumentParser
import CPU
import Files
import Foundation
import Images
import Models
import RunFiles
import Training

/// What a training needs: a run folder, its configuration and the images.
struct TrainingJob {
  let folder: RunFolder
  let configuration: RunConfiguration
  let training: any TrainingImages
  let validation: DataSet?
  /// Where the run is to hold both experts.
  let experts: ExpertImages?
  /// What is to be told of the files read.
  let reading: ReadingReport

  init(
    folder: RunFolder, configuration: RunConfiguration, training: any TrainingImages,
    validation: DataSet?, experts: ExpertImages? = nil, reading: ReadingReport
  ) {
    self.folder = folder
    self.configuration = configuration
    self.training = training
    self.validation = validation
    self.experts = experts
    self.reading = reading
  }

  /// A new run.
  init(beginning command: Train) throws {
    // Before the images are read, which may take a while.
    if (try? RunFolder.open(at: command.runPath)) != nil {
      throw FileError(
        command.runPath, expected: "a new or empty folder",
        found: "a run; go on with it by --resume, or choose another --run")
    }
    let console = command.common.console
    let seed = command.common.seed
    if let plan = try CropPlan(command, console) {
      self = try TrainingJob(beginning: command, plan)
      return
    }
    let options = LoadingOptions(
      size: command.size.map { ($0.width, $0.height) }, channels: command.channels?.count,
      useClasses: command.classes, strict: command.reading.strict,
      followLinks: command.reading.followLinks)
    let all = try load(command.data, options, console)
    let shape = ImageShape(height: all.height, width: all.width, channels: all.channels)
    let pixels = command.pixelEncoding(of: all)
    let head = command.head ?? (pixels.levels == 2 ? .bernoulli : .categorical)
    let model = try ModelSpecification(
      name: command.model ?? command.defaultModel, settings: try command.parsedSettings(),
      head: head.head(pixels.levels), image: shape, seed: seed)
    try command.size(of: model).checkWeights()
    let (training, validation) = try Self.split(
      all, shape, command.validation, seed: seed, command.reading, console)
    let configuration = RunConfiguration(
      model: model, pixels: pixels,
      data: DataDescription(
        path: command.data, training: training, validationPath: command.validation,
        validation: validation),
      training: command.options(for: model.family), seed: seed)
    let folder = try RunFolder.create(at: command.runPath, configuration: configuration)
    // A run that is stopped before it has anything to show leaves its name to another.
    Interruption.beforeEnding { unlink(folder.configurationFile) }
    self.init(
      folder: folder, configuration: configuration, training: training, validation: validation,
      reading: Self.report(command.data, all, command.validation, validation))
    try reading.write(to: folder.unreadableFile, console)
  }

  /// A run taken up again: its configuration decides, and no flag may say otherwise; but a finished one
  /// may be taken further.
  init(resuming command: Train) throws {
    let console = command.common.console
    let folder = try RunFolder.resume(at: command.runPath)
    let configuration = try command.takenFurther(RunConfiguration.read(from: folder), in: folder)
    try command.requireNoContradiction(to: configuration)
    // Before the images are read.
    try configuration.requirePrecision(of: CPUBackend.shared, for: folder)
    if let crops = configuration.crops {
      self = try TrainingJob(resuming: command, in: folder, configuration, crops)
      return
    }
    let shape = configuration.model.image
    let options = LoadingOptions(
      size: (shape.width, shape.height), channels: shape.channels,
      useClasses: configuration.data.trainingImagesByClass != nil, strict: command.reading.strict,
      followLinks: command.reading.followLinks)
    let all = try load(command.data, options, console)
    let validationPath = command.validation ?? configuration.data.validationPath
    let (training, validation) = try Self.split(
      all, shape, validationPath, seed: configuration.seed, command.reading, console)
    self.init(
      folder: folder, configuration: configuration, training: training, validation: validation,
      reading: Self.report(command.data, all, validationPath, validation))
  }

  /// The images to train on and those to validate on: another source, or a part of these.
  private static func split(
    _ all: DataSet, _ shape: ImageShape, _ validationPath: String?, seed: UInt64,
    _ reading: ReadingOptions, _ console: Console
  ) throws -> (DataSet, DataSet?) {
    if let validationPath {
      let options = LoadingOptions(
        size: (shape.width, shape.height), channels: shape.channels, strict: reading.strict,
        followLinks: reading.followLinks)
      return (all, try load(validationPath, options, console))
    }
    guard all.count > 1 else { return (all, nil) }
    let (training, validation) = all.split(seed: seed)
    return (training, validation)
  }

  private static func report(
    _ path: String, _ all: DataSet, _ validationPath: String?, _ validation: DataSet?
  ) -> ReadingReport {
    let other = validationPath.flatMap { path in validation.map { (path: path, data: $0) } }
    return ReadingReport([(path, all)] + (other.map { [$0] } ?? []))
  }
}

extension Train {
  fileprivate func pixelEncoding(of data: DataSet) -> PixelEncoding {
    switch binarize {
    case .threshold: .threshold
    case .stochastic: .stochastic
    case nil:
      if let levels {
        .levels(levels)
      } else if head == .bernoulli || data.levelsOfSource == 2 {
        .threshold
      } else {
        .levels(256)
      }
    }
  }

  func options(for family: ModelFamily) -> TrainingOptions {
    var options = TrainingOptions(
      duration: minutes.map { .minutes($0) } ?? .epochs(epochs ?? 20),
      batch: batch ?? family.batch, learningRate: learningRate ?? family.learningRate)
    if let weightDecay { options.weightDecay = weightDecay }
    options.precision = precision?.precision ?? family.precision
    // Short epochs are many, and their validation wavers.
    options.patience = patience.map(Self.patience) ?? .init(epochs: 10, share: 0.1)
    return options
  }
}
