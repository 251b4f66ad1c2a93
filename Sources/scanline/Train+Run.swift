import ArgumentParser
import CPU
import Detection
import Files
import Foundation
import Models
import Reports
import Training

extension Train {
  func run() throws {
    common.prepare()
    let console = common.console
    let job = try resume ? TrainingJob(resuming: self) : TrainingJob(beginning: self)
    let trainer = try trainer(for: job)
    // From here on there is something to save, which takes as long as it takes. And whoever reads the
    // messages may be ended by the same signal: a broken pipe must not come before the checkpoint.
    let interruption = Interruption(patience: nil)
    signal(SIGPIPE, SIG_IGN)
    let display = TrainingDisplay(console, interruption, job.configuration)
    defer { display.end() }
    let sheets = SampleSheets(of: trainer, in: job.folder.samplesFolder, interruption)
    let summary = try orSayHowToGoOn {
      try trainer.train { progress in
        let goesOn = display.show(progress)
        if goesOn, case .epochEnd = progress.moment { try sheets.epochEnded(progress) }
        return goesOn
      }
    }
    display.end()
    let result = TrainingResult(run: runPath, summary, heldOut: job.held?.count ?? 0)
    if !summary.interrupted, let experts = job.experts {
      guard try finish(experts, interruption) else {
        console.note("go on with: \(commandToGoOn)")
        throw interruption.exitCode ?? ExitCode.failure
      }
    }
    let isCalibrated = try summary.interrupted ? false : calibrate(job, interruption)
    guard summary.interrupted || !isCalibrated, let code = interruption.exitCode else {
      try console.result(WithReading(result, job.reading), text: result.text)
      return
    }
    // Where the terminal was closed there is nobody to tell.
    try? console.result(WithReading(result, job.reading), text: result.text)
    console.note("go on with: \(commandToGoOn)")
    throw code
  }

  /// The trainer of a run that fits on this machine and into a person's day. What it takes is said.
  private func trainer(for job: TrainingJob) throws -> Trainer {
    do {
      let trainer = try Trainer(
        run: job.folder, configuration: job.configuration, training: job.training,
        validation: job.validation, backend: CPUBackend.shared,
        checkpointInterval: checkpointInterval)
      let display = TrainingDisplay(common.console, nil, job.configuration)
      display.begin(trainer, at: runPath)
      if !trainer.isFinished && !(resume && common.quiet) {
        let cost = trainer.measureCost()
        display.show(cost, stepsDone: trainer.step)
        if !resume { try size(of: job.configuration.model).check(cost) }
      }
      return trainer
    } catch let error as ModelError where !resume {
      unlink(job.folder.configurationFile)
      throw CommandError("\(error); \(size(of: job.configuration.model).advice)")
    } catch  where !resume {
      // A run that cannot be begun leaves its name to one that can.
      unlink(job.folder.configurationFile)
      throw error
    }
  }

  /// Fits the global expert and judges what was set aside; false where it was stopped.
  private func finish(_ experts: ExpertImages, _ interruption: Interruption) throws -> Bool {
    let line = ProgressLine(common.console)
    defer { line.clear() }
    let trained = try TrainedModel(run: runPath)
    // Those of earlier weights, where the run was taken further, are no longer right.
    if (try? Experts(of: trained)) ?? nil != nil { return true }
    return try orSayHowToGoOn {
      try Experts.finish(
        trained, experts.all, heldOut: experts.heldOut, groups: experts.groups
      ) { done, total in
        line.update("judging held-out images", Double(done), of: total, "steps")
        return !interruption.isRequested
      }
    }
  }

  /// A full disk is no end: what to type when there is room again.
  private func orSayHowToGoOn<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as FileError {
      throw CommandError("\(error); when that is mended, go on with: \(commandToGoOn)")
    }
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
