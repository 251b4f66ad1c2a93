import ArgumentParser
import Files
import Foundation
import Jobs
import Reports

struct Drift: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find whether images have changed, taken together.",
    discussion: """
      Of DATA, a batch: are its images, by how odd they are and by their likelihood, as the normal ones \
      that train set aside? Prints both tests' p-values and one verdict at --level.

      With --follow, a stream: paths on standard input, one a line; of each a line of JSON at once with \
      its own p-value and the logarithm of what bets against the stream have won. Of a stream that stays \
      normal a change is ever said with a chance of --level at most, however long it is. --state FILE \
      keeps what was seen, so that the same command goes on.

      Exit status 3 where images have changed.

      Example: scanline drift runs/parts today

      Example: inotifywait -m -q -e close_write --format %w%f incoming | scanline drift runs/parts \
      --follow --state stream.state
      """)

  @OptionGroup var runFolder: RunArgument

  @Argument(help: "A batch: a folder, an IDX, CIFAR, .amat or .npy file.")
  var data: String?

  @Flag(help: "Watch a stream: paths of images on standard input.")
  var follow = false

  @Option(
    help: ArgumentHelp("Of --follow: a file to begin, or to go on with.", valueName: "file"))
  var state: String?

  @Option(
    help: ArgumentHelp(
      "The chance that images that are as before are said to have changed.", valueName: "rate"),
    transform: decimal)
  var level = 0.05

  @OptionGroup var options: UseOptions

  func validate() throws {
    if follow == (data != nil) {
      throw ValidationError("expected DATA or --follow, found \(follow ? "both" : "neither")")
    }
    if let data { try requirePath("DATA", data) }
    if let state {
      try requirePath("--state", state)
      if !follow { throw ValidationError("--state: expected with --follow, found without") }
    }
    try expect("--level", level, "between 0 and 1, both excluded") { $0 > 0 && $0 < 1 }
  }

  func run() throws {
    let run = try options.open(runFolder)
    var job = try DriftJob(run.trained)
    job.strict = run.reading.strict
    let changed = try follow ? watch(job, run) : judge(data!, job, run)
    if changed { throw ExitCode(3) }
  }

  private func judge(_ data: String, _ job: DriftJob, _ run: RunInUse) throws -> Bool {
    let source = try run.source(data)
    let line = ProgressLine(run.console)
    let found = try job.batch(source) { done in
      line.update("scoring \(source.path)", Double(done), of: source.count, "images")
      return !run.interruption.isRequested
    }
    line.clear()
    guard let found else { throw CommandError.stopped("\(data) is not scored to its end") }
    let reading = run.report(source, skipped: found.skipped, flawed: found.flawed)
    let result = DriftResult(run: run.path, found, level: level)
    try run.console.result(WithReading(result, reading), text: result.text)
    return result.changed
  }

  private func watch(_ job: DriftJob, _ run: RunInUse) throws -> Bool {
    let watch = try DriftWatch(job, level: level, state: state)
    if watch.count > 0 {
      run.console.note("going on after \(counted(watch.count, "image"))")
    }
    Interruption.beforeEnding(
      saying: state.map { "the same command goes on with \($0)" } ?? "nothing is kept")
    var lines = IncomingLines()
    while let paths = try lines.next(atMost: 64) {
      let known = watch.change != nil
      for line in try watch.take(paths) { try run.console.line(line) }
      if !known, let change = watch.change {
        run.console.note(
          "the stream has changed: known at image \(change.image), \(change.path ?? "")")
      }
    }
    try run.console.line(DriftSummary(watch, level: level))
    return watch.change != nil
  }
}
