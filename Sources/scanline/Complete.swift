import ArgumentParser
import Files
import Images
import Jobs
import Reports
import Training

struct Complete: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fill in what is missing of images.",
    discussion: """
      Hides a part of each image and draws it anew, given all that is seen: 0001-1.png is the first \
      completion of the first image. sheet.png has a row an image: original, hole, completions.

      With --keep-rows, or a hole of which everything before is seen and nothing after, draws are \
      exact. Elsewhere each completion is one of many particles, drawn by how well they foretell what \
      is seen after the hole; how many of them counted is told, and with more it is nearer to exact.

      Example: scanline complete runs/digits half.png --keep-rows 14 --out completed
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: ArgumentHelp("Images, or folders and files of many.", valueName: "image"))
  var images: [String]

  @Option(
    name: .customLong("out"), help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var outPath: String

  @Option(help: "Rows that are seen; those below are drawn.")
  var keepRows: Int?

  @Option(help: "A picture of the run's size, white where images are to be drawn.")
  var mask: String?

  @Option(help: "Completions an image; 0 with --tell-hole for its numbers alone.")
  var count = 8

  @Option(help: "Particles of each completion.")
  var particles = 64

  @Option(help: "Complete the first so many images only.")
  var first: Int?

  @Flag(help: "Tell how probable the hole is as each image has it, of a complete image.")
  var tellHole = false

  @Option(name: .customLong("class"), help: "The class of the images, of a run of classes.")
  var className: String?

  @OptionGroup var output: OutputOptions

  @OptionGroup var options: UseOptions

  func validate() throws {
    try requirePath("--out", outPath)
    for image in images { try requirePath("IMAGE", image) }
    if let mask { try requirePath("--mask", mask) }
    if images.isEmpty { throw ValidationError("expected an image to complete, found none") }
    if (keepRows == nil) == (mask == nil) {
      throw ValidationError(
        "--keep-rows, --mask: expected one of them, found \(mask == nil ? "none" : "both")")
    }
    try expect("--count", count, "\(tellHole ? 0 : 1) ... 398") { (tellHole ? 0 : 1)...398 ~= $0 }
    try expect("--particles", particles, "1 ... 65536") { (1...65_536).contains($0) }
    try expect("--first", first, "1 or more") { $0 >= 1 }
  }

  func run() throws {
    let run = try options.open(runFolder)
    if run.trained.configuration.crops != nil {
      throw CommandError("\(runFolder.path): expected a run of whole images, found one of crops")
    }
    let sets = try images.map { try run.load($0) }
    let shape: CompletionJob.HoleShape = mask.map { .mask($0) } ?? .belowRows(keepRows ?? 0)
    var job = try CompletionJob(run.trained, DataSet(joining: sets, first: first), hole: shape)
    job.count = count
    job.particles = particles
    job.tellsHole = tellHole
    job.className = className
    job.seed = options.common.seed
    job.overwrites = output.overwrite
    job.inputs = images + (mask.map { [$0] } ?? [])
    let line = ProgressLine(run.console)
    let outcome = try job.run(to: outPath) { done in
      line.update("completing", done, of: job.images.count, "images")
      return !run.interruption.isRequested
    }
    line.clear()
    guard outcome.completed.count == job.images.count else {
      throw CommandError.stopped(
        "\(outcome.completed.count) of \(job.images.count) images are in \(outPath)")
    }
    let result = CompletionResult(outcome, run: runFolder.path, out: outPath)
    var reading = ReadingReport()
    for (path, set) in zip(images, sets) {
      reading.add(path, skipped: set.skipped, flawed: set.flawed)
    }
    try run.console.result(WithReading(result, reading), text: result.text)
  }
}
