import ArgumentParser
import CPU
import Detection
import Files
import Foundation
import Heads
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
  /// Set aside; nil where the experts keep their own.
  let held: DataSet?
  /// Where the run is to hold both experts.
  let experts: ExpertImages?
  /// What is to be told of the files read.
  let reading: ReadingReport

  init(
    folder: RunFolder, configuration: RunConfiguration, training: any TrainingImages,
    validation: DataSet?, held: DataSet? = nil, experts: ExpertImages? = nil,
    reading: ReadingReport
  ) {
    self.folder = folder
    self.configuration = configuration
    self.training = training
    self.validation = validation
    self.held = held
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
    let name = command.model ?? command.defaultModel
    let model = try ModelSpecification(
      name: name, settings: try command.parsedSettings(),
      head: command.head(ofLevels: pixels.levels, model: name), image: shape, seed: seed)
    try command.size(of: model).checkWeights()
    let holdOut = HoldOut(count: command.holdOut, groupBy: command.groupBy)
    let sides = try Self.setAside(holdOut, of: all, command.data, seed: seed, console)
    let (training, validation) = try Self.split(
      sides.rest, shape, command.validation, seed: seed, command.reading, console)
    var description = DataDescription(
      path: command.data, training: training, validationPath: command.validation,
      validation: validation)
    description.heldOut = .init(
      asked: command.holdOut, groupBy: command.groupBy, images: sides.held.count)
    let configuration = RunConfiguration(
      model: model, pixels: pixels, data: description,
      training: command.options(for: model.family), seed: seed)
    let folder = try RunFolder.create(at: command.runPath, configuration: configuration)
    // A run that is stopped before it has anything to show leaves its name to another.
    Interruption.beforeEnding { unlink(folder.configurationFile) }
    self.init(
      folder: folder, configuration: configuration, training: training, validation: validation,
      held: sides.held,
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
    // Runs of earlier versions set none aside.
    let begun = configuration.data.heldOut
    let holdOut = HoldOut(count: begun == nil ? 0 : begun?.asked, groupBy: begun?.groupBy)
    let sides = try Self.setAside(holdOut, of: all, nil, seed: configuration.seed, console)
    let (training, validation) = try Self.split(
      sides.rest, shape, validationPath, seed: configuration.seed, command.reading, console)
    self.init(
      folder: folder, configuration: configuration, training: training, validation: validation,
      held: sides.held, reading: Self.report(command.data, all, validationPath, validation))
  }
}
