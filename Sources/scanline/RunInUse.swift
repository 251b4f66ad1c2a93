import ArgumentParser
import Images
import Jobs
import Training

/// The run that a verb uses.
struct RunArgument: ParsableArguments {
  @Argument(help: ArgumentHelp("The folder of a run.", valueName: "run"))
  var path: String

  func validate() throws { try requirePath("RUN", path) }
}

/// What every verb takes that uses a run on images.
struct UseOptions: ParsableArguments {
  @OptionGroup var reading: ReadingOptions

  @Option(help: "Precision of the model's activations; scores for keeps are float32.")
  var precision = PrecisionName.float32

  @OptionGroup var common: CommonOptions

  func validate() throws { try precision.require("--precision") }

  /// Sets up the engine and opens the run.
  func open(_ run: RunArgument) throws -> RunInUse { try open(run.path) }

  func open(_ path: String) throws -> RunInUse {
    common.prepare()
    let interruption = Interruption()
    return RunInUse(
      path: path, trained: try TrainedModel(run: path, precision: precision.precision),
      reading: reading, console: common.console, interruption: interruption)
  }
}

/// A run that is open, and how its images are read.
struct RunInUse {
  let path: String
  let trained: TrainedModel
  let reading: ReadingOptions
  let console: Console
  let interruption: Interruption

  /// Loads a data set as the run wants its images, and tells of its files.
  func load(_ path: String) throws -> DataSet {
    try requirePath("DATA", path)
    let images = try trained.images(
      at: path, strict: reading.strict, followLinks: reading.followLinks,
      watch: ReadingDisplay(console).show)
    guard let images else { throw CommandError.stopped("\(path) is not read to its end") }
    return images
  }

  /// Refuses a run that has no names for labels.
  func requireClasses() throws {
    guard trained.mixture == nil else { return }
    throw CommandError("--classes: expected a run that was trained with --classes, found \(path)")
  }
}
