import ArgumentParser
import Images
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

  /// Loads a data set as the run wants its images: side by side, where it has learned from crops.
  func load(_ path: String) throws -> DataSet {
    if let crops = trained.configuration.crops {
      let channels = trained.configuration.model.image.channels
      return Crops.grid(
        of: try loadScaled(path, crops, channels: channels, reading, console), width: crops.width,
        height: crops.height)
    }
    var options = trained.loadingOptions
    options.strict = reading.strict
    options.followLinks = reading.followLinks
    return try scanline.load(path, options, console)
  }
}
