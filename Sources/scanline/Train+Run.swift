import ArgumentParser
import Files
import Jobs
import Reports

extension Train {
  func run() throws {
    common.prepare()
    let console = common.console
    let display = TrainingDisplay(console, of: runPath)
    let outcome: TrainingJob.Outcome?
    do {
      defer { display.end() }
      outcome = try TrainingJob(request()).run(watch: display.show)
    } catch let error as FileError where display.hasBegun {
      // A full disk is no end: what to type when there is room again.
      throw CommandError("\(error); when that is mended, go on with: \(commandToGoOn)")
    }
    guard let outcome else { throw CommandError.stopped("\(runPath) is not begun") }
    let result = TrainingResult(outcome)
    if outcome.isComplete {
      try console.result(WithReading(result, outcome.reading), text: result.text)
      return
    }
    // Where the terminal was closed there is nobody to tell.
    try? console.result(WithReading(result, outcome.reading), text: result.text)
    console.note("go on with: \(commandToGoOn)")
    throw Interruption.exitCode ?? ExitCode.failure
  }

  /// What to type after an interruption: the rest is in the run's configuration.
  private var commandToGoOn: String {
    var words = ["scanline", "train", data, "--run", runPath, "--resume"]
    if reading.followLinks { words.append("--follow-links") }
    // Another number of threads adds in another order.
    if let threads = common.threads { words += ["--threads", "\(threads)"] }
    return shellLine(words)
  }
}
