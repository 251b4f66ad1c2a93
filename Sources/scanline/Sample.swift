import ArgumentParser
import Jobs
import Training

struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw new images.",
    discussion: """
      Writes 0001.png, 0002.png … and grid.png, which shows the first 400. Those of an \
      earlier call are replaced; other files in the folder stay.

      Draws are exact unless an option below departs from the distribution. The same --seed gives \
      the same images, image by image, whatever the count. Of a run of classes (train --classes) the \
      sheet has a row a class, of --class NAME that class alone, and with --count images are of a \
      class as often as it occurs.

      --beam finds the most probable image that it can, at least as probable as that of --greedy, and \
      says how probable.

      Example: scanline sample runs/photos --count 16 --out samples
      """)

  @OptionGroup var runFolder: RunArgument

  @Option(help: "How many images. (default: 16, ten a class; 1 with --greedy or --beam)")
  var count: Int?

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String

  @Option(
    name: .customLong("class"),
    help: "Images of this class alone, of a run that was trained with --classes.")
  var className: String?

  @OptionGroup var decoding: DecodingOptions

  @OptionGroup var drawing: OrderOption

  @OptionGroup var output: OutputOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try requirePath("--out", outPath)
    try expect("--count", count, "1 ... 10000000") { (1...10_000_000).contains($0) }
    if let beam = decoding.beam, let count, count > beam {
      throw ValidationError("--count: expected at most the \(beam) of --beam, found \(count)")
    }
  }

  func run() throws {
    common.prepare()
    let interruption = Interruption()
    let trained = try TrainedModel(run: runFolder.path)
    let job = try job(trained)
    let line = ProgressLine(common.console)
    let outcome = try job.run(to: outPath) { done in
      line.update(
        decoding.beam == nil ? "drawing" : "searching", done, of: job.count, "images")
      return !interruption.isRequested
    }
    line.clear()
    guard outcome.images == job.count, let grid = outcome.grid else {
      throw CommandError.stopped("\(outcome.images) of \(job.count) images are in \(outPath)")
    }
    try common.console.result(
      Result(
        run: runFolder.path, images: outcome.images, out: outPath, grid: grid,
        seconds: outcome.seconds, imagesPerSecond: Double(outcome.images) / outcome.seconds,
        logProbabilities: outcome.logProbabilities),
      text:
        "\(counted(outcome.images, "image")) in \(outPath), \(duration(outcome.seconds)); see \(grid)"
        + (outcome.logProbabilities?.first.map { "; log p of the first \(fixed($0, 3)) nats" } ?? "")
    )
  }

  /// What is asked for; by default of a run of classes ten of each, or as many as a sheet shows.
  private func job(_ trained: TrainedModel) throws -> DrawingJob {
    let usual = decoding.isDetermined ? 1 : 16
    var job = DrawingJob(trained, count: count ?? usual)
    if let names = trained.configuration.classNames, count == nil, className == nil,
      !decoding.isDetermined
    {
      let each = max(1, min(10, DrawingJob.mostInGrid / names.count))
      job = DrawingJob(trained, count: each * names.count)
      job.classes = .each(each)
    }
    if let className { job.classes = .one(className) }
    job.method = decoding.beam.map { .beam(width: $0) } ?? .draws(decoding.sampling)
    job.seed = common.seed
    job.order = try drawing.order(of: trained, at: runFolder.path)
    job.overwrites = output.overwrite
    return job
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let run: String
    let images: Int
    let out: String
    let grid: String
    let seconds: Double
    let imagesPerSecond: Double
    /// Of beam search alone.
    let logProbabilities: [Double]?
  }
}
