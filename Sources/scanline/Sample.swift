import ArgumentParser
import Heads
import Jobs
import Training

struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw new images.",
    discussion: """
      Writes 0001.png, 0002.png … and grid.png, which shows the first 400. Those of an \
      earlier call are replaced; other files in the folder stay.

      Draws are exact unless an option below departs from the distribution. The same --seed gives \
      the same images, image by image, whatever the count.

      Example: scanline sample runs/photos --count 16 --out samples
      """)

  @OptionGroup var runFolder: RunArgument

  @Option(help: "How many images. (default: 16; 1 with --greedy or --beam)")
  var count: Int?

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String

  @Option(help: "Below 1 sharper, above 1 flatter. (default: 1)", transform: decimal)
  var temperature: Double = 1

  @Option(name: .customLong("top-k"), help: "Draw only from the so many most probable levels.")
  var topK: Int?

  @Option(
    name: .customLong("top-p"),
    help: "Draw only from the most probable levels that together reach this probability.",
    transform: decimal)
  var topP: Double?

  @Flag(help: "Always the most probable level.")
  var greedy = false

  @Option(help: "The most probable images that beam search of this width finds. Slow.")
  var beam: Int?

  @OptionGroup var drawing: OrderOption

  @OptionGroup var output: OutputOptions

  @OptionGroup var common: CommonOptions

  var imageCount: Int { count ?? (greedy || beam != nil ? 1 : 16) }

  func validate() throws {
    try requirePath("--out", outPath)
    try expect("--count", count, "1 ... 10000000") { (1...10_000_000).contains($0) }
    if !(temperature > 0 && temperature.isFinite) {
      throw ValidationError("--temperature: expected more than 0, found \(temperature)")
    }
    if let topK, topK < 1 {
      throw ValidationError("--top-k: expected at least 1, found \(topK)")
    }
    if let topP, !(topP > 0 && topP <= 1) {
      throw ValidationError("--top-p: expected more than 0, at most 1, found \(topP)")
    }
    if let beam, !(1...256).contains(beam) {
      throw ValidationError("--beam: expected 1 ... 256, found \(beam)")
    }
    if let beam, imageCount > beam {
      throw ValidationError("--count: expected at most the \(beam) of --beam, found \(imageCount)")
    }
    let draws = temperature != 1 || topK != nil || topP != nil
    if [draws, greedy, beam != nil].filter({ $0 }).count > 1 {
      throw ValidationError(
        "expected one of --greedy, --beam, or --temperature with --top-k and --top-p")
    }
  }

  func run() throws {
    common.prepare()
    let interruption = Interruption()
    let trained = try TrainedModel(run: runFolder.path)
    var job = DrawingJob(trained, count: imageCount)
    job.method =
      beam.map { .beam(width: $0) }
      ?? .draws(
        SamplingOptions(temperature: temperature, topK: topK, topP: topP, greedy: greedy))
    job.seed = common.seed
    job.order = try drawing.order(of: trained, at: runFolder.path)
    job.overwrites = output.overwrite
    let line = ProgressLine(common.console)
    let outcome = try job.run(to: outPath) { [imageCount, beam] done in
      line.update(beam == nil ? "drawing" : "searching", done, of: imageCount, "images")
      return !interruption.isRequested
    }
    line.clear()
    guard outcome.images == imageCount, let grid = outcome.grid else {
      throw CommandError.stopped("\(outcome.images) of \(imageCount) images are in \(outPath)")
    }
    try common.console.result(
      Result(
        run: runFolder.path, images: outcome.images, out: outPath, grid: grid,
        seconds: outcome.seconds, imagesPerSecond: Double(outcome.images) / outcome.seconds),
      text:
        "\(counted(outcome.images, "image")) in \(outPath), \(duration(outcome.seconds)); see \(grid)"
    )
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let run: String
    let images: Int
    let out: String
    let grid: String
    let seconds: Double
    let imagesPerSecond: Double
  }
}
