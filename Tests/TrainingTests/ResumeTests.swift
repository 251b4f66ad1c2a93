import Files
import Foundation
import RunFiles
import TestSupport
import Testing
import Training

/// A run that was stopped or killed, and taken up again, is the same run.
@Suite(.serialized) struct ResumeTests {
  /// Sittings that end after steps, at the end of an epoch before and after its validation (calls 7
  /// and 8 of the first), and at the very last moments.
  static let stops: [[Int]] = [[6], [7], [8], [23], [1, 1, 5, 1, 2, 3]]

  @Test(arguments: TrainingCase.families)
  func aStoppedRunReachesTheSameBits(_ training: TrainingCase) throws {
    let folder = TemporaryFolder()
    let summary = try training.train(at: folder.file("whole"))
    #expect(summary.epochs == 3)
    #expect(summary.steps == TrainingCase.steps)
    for stops in Self.stops {
      let run = folder.file("\(stops)")
      try training.train(at: run, stops: stops)
      try expectSameRuns(run, folder.file("whole"), "\(stops)")
    }
  }

  /// The folder as a kill at any moment leaves it: the process is gone, the files are what they are.
  @Test func aKilledRunReachesTheSameBits() throws {
    let folder = TemporaryFolder()
    let training = TrainingCase.nade
    let whole = folder.file("whole")
    let trainer = try training.trainer(at: whole, checkpointInterval: 0)
    var kills = 0
    _ = try trainer.train { _ in
      kills += 1
      try copy(whole, to: folder.file("\(kills)"))
      return true
    }
    #expect(kills == TrainingCase.steps + 3 * 3)
    for kill in 1...kills {
      let run = folder.file("\(kill)")
      try training.train(at: run)
      try expectSameRuns(run, whole, "killed at moment \(kill)")
      #expect(try shownSteps(run) == shownSteps(whole), "killed at moment \(kill)")
    }
  }

  /// The row of an epoch is written before the checkpoint that ends it.
  @Test func aKillBetweenRecordAndCheckpointRepeatsNoRow() throws {
    let folder = TemporaryFolder()
    let training = TrainingCase.nade
    try training.train(at: folder.file("whole"))
    let run = folder.file("run")
    // Stopped in the validation of the second epoch: all its steps done, no row yet.
    var calls = 0
    _ = try training.trainer(at: run).train { _ in
      calls += 1
      return calls < 15
    }
    let checkpoint = try bytes(of: "\(run)/checkpoint.safetensors")
    let weights = try bytes(of: "\(run)/weights.safetensors")
    // Goes on past the row, and is killed before the checkpoint is written.
    calls = 0
    _ = try training.trainer(at: run).train { _ in
      calls += 1
      return calls < 3
    }
    #expect(try MetricsLog.rows(of: "\(run)/metrics.jsonl").map(\.step) == [6, 12])
    put(checkpoint, at: "\(run)/checkpoint.safetensors")
    put(weights, at: "\(run)/weights.safetensors")
    try training.train(at: run)
    try expectSameRuns(run, folder.file("whole"))
    #expect(try shownSteps(run) == shownSteps(folder.file("whole")))
  }

  @Test func aRunWithoutCheckpointStartsFromNothing() throws {
    let folder = TemporaryFolder()
    let training = TrainingCase.nade
    try training.train(at: folder.file("whole"))
    let run = folder.file("run")
    try training.train(at: run, stops: [10])
    for name in ["checkpoint", "weights"] {
      try FileManager.default.removeItem(atPath: "\(run)/\(name).safetensors")
    }
    try training.train(at: run)
    try expectSameRuns(run, folder.file("whole"))
  }

  /// Trained weights are never overwritten by first ones.
  @Test func weightsWithoutTheirCheckpointAreKept() throws {
    let folder = TemporaryFolder()
    let run = folder.file("run")
    try TrainingCase.nade.train(at: run)
    try FileManager.default.removeItem(atPath: "\(run)/checkpoint.safetensors")
    let before = try contents(of: run)
    let error = #expect(throws: FileError.self) { try RunFolder.resume(at: run) }
    let line = try #require(error?.description)
    #expect(line.hasPrefix("\(run)/checkpoint.safetensors: expected") && line.contains("--run"))
    #expect(try contents(of: run) == before)
  }

  /// A kill between the first checkpoint and the weights that it also holds.
  @Test(arguments: [3, 8]) func theFirstWeightsAreThoseOfTheFirstCheckpoint(_ stop: Int) throws {
    let folder = TemporaryFolder()
    let training = TrainingCase.nade
    try training.train(at: folder.file("whole"))
    let run = folder.file("run")
    try training.begin(at: run, stops: [stop])
    let weights = try bytes(of: "\(run)/weights.safetensors")
    try FileManager.default.removeItem(atPath: "\(run)/weights.safetensors")
    try training.begin(at: run, stops: [1])
    // Before the first validation, the latest weights are kept.
    let kept = try bytes(of: "\(run)/weights.safetensors")
    #expect((kept == weights) == (stop == 8))
    try training.train(at: run)
    try expectSameRuns(run, folder.file("whole"))
  }

  @Test func aFinishedRunIsLeftAlone() throws {
    let folder = TemporaryFolder()
    let run = folder.file("run")
    let first = try TrainingCase.nade.train(at: run)
    let before = try contents(of: run)
    let trainer = try TrainingCase.nade.trainer(at: run)
    #expect(trainer.isFinished)
    let again = try trainer.train { _ in
      Issue.record("a finished training has nothing to watch")
      return true
    }
    #expect(again == first)
    #expect(try contents(of: run) == before)
  }

  @Test func otherThanTheSeedAndTheImagesNothingKeysTheDraws() throws {
    let folder = TemporaryFolder()
    var training = TrainingCase.nade
    try training.train(at: folder.file("a"))
    try training.train(at: folder.file("b"))
    try expectSameRuns(folder.file("a"), folder.file("b"))
    training.pixels = .threshold
    try training.train(at: folder.file("c"))
    #expect(
      try tensorBits(folder.file("a") + "/weights.safetensors")
        != tensorBits(folder.file("c") + "/weights.safetensors"))
  }
}

/// Every file of a folder.
func contents(of path: String) throws -> [String: [UInt8]] {
  let names = try #require(FileManager.default.subpaths(atPath: path))
  var files: [String: [UInt8]] = [:]
  for name in names {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
    if !isFolder.boolValue { files[name] = try bytes(of: "\(path)/\(name)") }
  }
  return files
}
