import Files
import Foundation
import RunFiles
import TestSupport
import Testing
import Training

/// Validation says when a training ends, and a finished one can be taken further.
@Suite(.serialized) struct PatienceTests {
  /// Few images learned by heart: the validation loss falls, then rises.
  private static func overfitting(_ patience: TrainingOptions.Patience?) -> TrainingCase {
    var training = TrainingCase.nade
    training.duration = .epochs(40)
    training.change = {
      $0.learningRate = 0.3
      $0.averageDecay = 0
      $0.weightDecay = 0
      $0.patience = patience
    }
    return training
  }

  @Test func itEndsWhereValidationHasNotImproved() throws {
    let folder = TemporaryFolder()
    let training = Self.overfitting(.init(epochs: 4))
    let summary = try training.train(at: folder.file("run"))
    #expect(summary.endedEarly && !summary.interrupted)
    let best = try #require(summary.bestEpoch)
    #expect(summary.epochs == best + 4)
    // The curve up to there is that of a training without patience, and so are the weights.
    let whole = try Self.overfitting(nil).train(at: folder.file("whole"))
    #expect(!whole.endedEarly && whole.epochs == 40)
    let rows = try [folder.file("run"), folder.file("whole")].map {
      try MetricsLog.rows(of: "\($0)/metrics.jsonl").map(\.validationNatsPerImage)
    }
    #expect(rows[0] == Array(rows[1].prefix(summary.epochs)))
    #expect(try training.trainer(at: folder.file("run")).isFinished)
  }

  @Test func aShareOfTheTrainingIsWaitedForToo() throws {
    let folder = TemporaryFolder()
    let summary = try Self.overfitting(.init(epochs: 4, share: 0.5)).train(at: folder.file("run"))
    let best = try #require(summary.bestEpoch)
    #expect(summary.epochs == min(40, max(best + 4, best + 20)))
  }

  /// A likelihood of 54 masks costs four times an epoch: a fifth of the time is one epoch in sixteen.
  @Test func aCostlyValidationIsRareAndTwoAreWaitedFor() throws {
    let folder = TemporaryFolder()
    var training = Self.overfitting(.init(epochs: 4))
    (training.model, training.settings) = ("made", ["hidden": "9", "masks": "54"])
    training.duration = .epochs(160)
    let summary = try training.train(at: folder.file("run"))
    let validated = try MetricsLog.rows(of: "\(folder.file("run"))/metrics.jsonl")
      .filter { $0.validationNatsPerImage != nil }.map(\.epoch)
    #expect(validated == Array(stride(from: 16, through: summary.epochs, by: 16)))
    let best = try #require(summary.bestEpoch)
    #expect(summary.endedEarly && summary.epochs == best + 32)
  }

  @Test(arguments: [[1], [9], [20, 10], [3, 3, 3, 3]])
  func aStoppedOneEndsAtTheSamePlace(_ stops: [Int]) throws {
    let folder = TemporaryFolder()
    let training = Self.overfitting(.init(epochs: 4))
    try training.train(at: folder.file("whole"))
    try training.train(at: folder.file("run"), stops: stops)
    try expectSameRuns(folder.file("run"), folder.file("whole"))
  }

  @Test func validationIsRecordedInTrainingsUnits() throws {
    let folder = TemporaryFolder()
    var last: Trainer.Progress?
    let trainer = try TrainingCase.nade.trainer(at: folder.file("run"))
    let summary = try trainer.train { progress in
      last = progress
      return true
    }
    func expectSame(_ bits: Double?, _ nats: Double?) throws {
      let (bits, nats) = (try #require(bits), try #require(nats))
      #expect(abs(bits - nats / (20 * log(2))) < 1e-12)
    }
    for row in try MetricsLog.rows(of: folder.file("run/metrics.jsonl")) {
      try expectSame(row.validationBitsPerDimension, row.validationNatsPerImage)
    }
    try expectSame(last?.validationBitsPerDimension, last?.validationNatsPerImage)
    try expectSame(summary.validationBitsPerDimension, summary.validationNatsPerImage)
  }
}

/// `--resume --epochs 5` where it had 3.
@Suite(.serialized) struct TakenFurtherTests {
  private let training = TrainingCase.nade

  /// A finished run, and its configuration taken further.
  private func further(at run: String, epochs: Int) throws -> RunConfiguration {
    let folder = try resumedRun(at: run)
    let configuration = try RunConfiguration.read(from: folder)
    let standing = try #require(try configuration.standing(of: folder))
    #expect(standing.isFinished)
    var options = configuration.training
    options.duration = .epochs(epochs)
    options.learningRate = 0.01
    return configuration.takenFurther(from: standing, by: options)
  }

  private func trainer(at run: String, _ configuration: RunConfiguration) throws -> Trainer {
    try training.trainer(at: run, configuration, checkpointInterval: 0)
  }

  @Test func itGoesOnFromTheBestWeightsByANewSchedule() throws {
    let folder = TemporaryFolder()
    let run = folder.file("run")
    let first = try training.train(at: run)
    let weights = try tensorBits("\(run)/weights.safetensors")
    let configuration = try further(at: run, epochs: 5)
    let before = try contents(of: run)
    let trainer = try trainer(at: run, configuration)
    #expect(try contents(of: run) == before)
    #expect(!trainer.isFinished && trainer.step == TrainingCase.steps)
    var done: [Double] = []
    let summary = try trainer.train { progress in
      done.append(progress.done)
      return true
    }
    #expect(summary.epochs == 5 && summary.steps == 5 * TrainingCase.stepsPerEpoch)
    #expect(done.first == 1.0 / 12 && done.last == 1)
    let best = try [first, summary].map { try #require($0.validationNatsPerImage) }
    #expect(best[1] <= best[0])
    // Both schedules are in the record, and the second began small.
    let rows = try MetricsLog.rows(of: "\(run)/metrics.jsonl")
    #expect(rows.map(\.epoch) == [1, 2, 3, 4, 5])
    #expect(rows[2].learningRate < rows[3].learningRate)
    let kept = try RunConfiguration.read(from: RunFolder.open(at: run))
    #expect(kept == configuration)
    #expect(kept.earlier?.map(\.epochs) == [3] && kept.earlier?.map(\.steps) == [18])
    #expect(try tensorBits("\(run)/weights.safetensors").keys == weights.keys)
  }

  /// Killed at any moment of it, the folder being what it then is.
  /// At a small rate the average begins anew in the first schedule, of which the next knows nothing.
  @Test(arguments: [nil, 1e-4]) func aKilledOneReachesTheSameBits(rate: Double?) throws {
    var training = training
    if let rate { training.change = { $0.learningRate = rate } }
    let folder = TemporaryFolder()
    let whole = folder.file("whole")
    try training.train(at: whole)
    let configuration = try further(at: whole, epochs: 5)
    // Between the two files that say it.
    try copy(whole, to: folder.file("0"))
    try RunFolder.open(at: folder.file("0")).writeConfiguration(configuration)
    var kills = 0
    _ = try trainer(at: whole, configuration).train { _ in
      kills += 1
      try copy(whole, to: folder.file("\(kills)"))
      return true
    }
    #expect(kills == 12 + 2 * 3)
    for kill in 0...kills {
      let run = folder.file("\(kill)")
      try training.train(at: run)
      try expectSameRuns(run, whole, "killed at moment \(kill)")
      #expect(try shownSteps(run) == shownSteps(whole), "killed at moment \(kill)")
    }
  }

  /// The first schedule's best does not count against the patience of the second.
  @Test func patienceBeginsAnew() throws {
    var training = training
    training.change = { $0.patience = .init(epochs: 2) }
    let folder = TemporaryFolder()
    let run = folder.file("run")
    try training.train(at: run)
    var configuration = try further(at: run, epochs: 9)
    configuration.training.learningRate = 1e-9
    configuration.training.averageDecay = 0
    let trainer = try training.trainer(at: run, configuration)
    #expect(!trainer.isFinished)
    #expect(try trainer.train { _ in true }.epochs > 4)
  }

  @Test func aScheduleThatEndsBeforeItBeginsIsRefused() throws {
    let folder = TemporaryFolder()
    let run = folder.file("run")
    try training.train(at: run)
    let configuration = try further(at: run, epochs: 3)
    let open = try RunFolder.open(at: run)
    try open.writeConfiguration(configuration)
    let error = #expect(throws: FileError.self) { try RunConfiguration.read(from: open) }
    #expect(error?.field == "training.duration")
  }
}
