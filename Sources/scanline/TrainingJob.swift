import ArgumentParser
import CPU
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
  let training: DataSet
  let validation: DataSet?
  /// What is to be told of the files read.
  let reading: ReadingReport

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
    let options = LoadingOptions(
      size: command.size.map { ($0.width, $0.height) }, channels: command.channels?.count,
      useClasses: command.classes, strict: command.reading.strict,
      followLinks: command.reading.followLinks)
    let all = try load(command.data, options, console)
    let shape = ImageShape(height: all.height, width: all.width, channels: all.channels)
    let pixels = command.pixelEncoding(of: all)
    let head = command.head ?? .usual(pixels.levels)
    let model = try ModelSpecification(
      name: command.model ?? command.defaultModel, settings: try command.parsedSettings(),
      head: Head(head, levels: pixels.levels), image: shape, seed: seed)
    try command.size(of: model).checkWeights()
    (training, validation) = try Self.split(
      all, shape, command.validation, seed: seed, command.reading, console)
    configuration = RunConfiguration(
      model: model, pixels: pixels,
      data: DataDescription(
        path: command.data, training: training, validationPath: command.validation,
        validation: validation),
      training: command.options(for: model.family), seed: seed)
    let folder = try RunFolder.create(at: command.runPath, configuration: configuration)
    self.folder = folder
    // A run that is stopped before it has anything to show leaves its name to another.
    Interruption.beforeEnding { unlink(folder.configurationFile) }
    reading = Self.report(command.data, all, command.validation, validation)
    try reading.write(to: folder.unreadableFile, console)
  }

  /// A run taken up again: its configuration decides, and no flag may say otherwise; but a finished one
  /// may be taken further.
  init(resuming command: Train) throws {
    let console = command.common.console
    folder = try RunFolder.resume(at: command.runPath)
    configuration = try command.takenFurther(RunConfiguration.read(from: folder), in: folder)
    try command.requireNoContradiction(to: configuration)
    // Before the images are read.
    try configuration.requirePrecision(of: CPUBackend.shared, for: folder)
    let shape = configuration.model.image
    let options = LoadingOptions(
      size: (shape.width, shape.height), channels: shape.channels,
      useClasses: configuration.data.trainingImagesByClass != nil, strict: command.reading.strict,
      followLinks: command.reading.followLinks)
    let all = try load(command.data, options, console)
    let validationPath = command.validation ?? configuration.data.validationPath
    (training, validation) = try Self.split(
      all, shape, validationPath, seed: configuration.seed, command.reading, console)
    reading = Self.report(command.data, all, validationPath, validation)
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
