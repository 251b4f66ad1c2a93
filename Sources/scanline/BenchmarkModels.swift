import ArgumentParser
import Benchmarks
import Heads
import Jobs

struct BenchmarkModels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Measure the speed of models on this machine.",
    discussion: """
      Training by the very step that train takes, scoring and sampling as score and sample do it; \
      each the median of five repeats after a warm-up. Without --model, every family with its \
      defaults, with 256 levels too where that takes little memory.

      Images are random unless DATA is given: black with 13 % of ones where they are binary, as \
      digits are, else of uniform levels. GFLOP/s count the multiply-adds of weights that no mask \
      holds at zero, twice, and training as three forward passes; their share is of the best matrix \
      product measured here in the same precision. Plain sampling is one full pass a sub-pixel, \
      measured over a few passes. Memory is the most that was resident in the process, in a table \
      with what the models before may have left.

      Example: scanline benchmark --model pixelcnn --set blocks=15 --only train
      """)

  @Argument(help: "Images to measure with: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String?

  @Option(help: "Model family; see scanline models. (default: all)")
  var model: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: "A setting of the model, name=value; may be repeated.")
  var settings: [String] = []

  @Option(help: "Distribution of a sub-pixel. (default: bernoulli, categorical with --levels)")
  var head: Head.Kind?

  @Option(help: "Levels of a sub-pixel, 2 ... 256. (default: 256 with --head categorical)")
  var levels: Int?

  @Option(help: "Size of the images, WxH. (default: 28x28, or as DATA is)")
  var size: Size?

  @Option(help: "gray or rgb images. (default: gray, or as DATA is)")
  var channels: Channels?

  @Option(help: "Images a training step. (default: the model's)")
  var batch: Int?

  @Option(help: "Precision of training's activations. (default: bfloat16 where it pays)")
  var precision: PrecisionName?

  @Option(
    name: .customLong("score-precision"),
    help: "Precision of scoring's activations; all other verbs score in float32.")
  var scorePrecision = PrecisionName.float32

  @Option(
    help: ArgumentHelp("What to measure, comma-separated.", valueName: "train,score,sample"))
  var only: String?

  @Option(help: "Seconds for each measurement. (default: 5)", transform: decimal)
  var seconds: Double = 5

  @Option(help: "Training steps to take instead, with the resident memory early and late.")
  var steps: Int?

  @Flag(help: "Follow links to folders outside of DATA.")
  var followLinks = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try precision?.require("--precision")
    try scorePrecision.require("--score-precision")
    if let data { try requirePath("DATA", data) }
    try expect("--levels", levels, "2 ... 256") { (2...256).contains($0) }
    try expect("--batch", batch, "1 ... 1048576") { (1...1_048_576).contains($0) }
    try expect("--seconds", seconds, "more than 0, at most 86400") { $0 > 0 && $0 <= 86_400 }
    try expect("--steps", steps, "1 ... 1000000000") { (1...1_000_000_000).contains($0) }
    if let levels, let head { try asUsage { try head.require(levels) } }
    if steps != nil, try !measurements().contains(.train) {
      throw ValidationError("--steps are training steps: expected --only with train")
    }
    let settings = try parsedSettings(settings)
    if let model {
      try requireModel(model, settings)
    } else if let setting = self.settings.first {
      throw ValidationError("--set: expected --model beside it, found \(setting) alone")
    }
  }

  func measurements() throws -> Set<Benchmark.Measurement> {
    guard let only else { return Set(Benchmark.Measurement.allCases) }
    let words = only.split(separator: ",", omittingEmptySubsequences: false)
    return Set(
      try words.map { word in
        guard let measurement = Benchmark.Measurement(rawValue: String(word)) else {
          throw ValidationError("--only: expected train, score or sample, found \(word)")
        }
        return measurement
      })
  }
}
