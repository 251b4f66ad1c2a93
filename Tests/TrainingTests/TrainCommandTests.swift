import Foundation
import Images
import Randomness
import RunFiles
import TestSupport
import Testing
import Training

/// The built command: killed, interrupted, out of disk, misused.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing))
struct TrainCommandTests {
  private func train(_ data: String, _ run: String, _ more: String...) -> [String] {
    ["train", data, "--run", run, "--seed", "5"] + more
  }

  private let model = [
    "--model", "nade", "--set", "hidden=12", "--binarize", "stochastic", "--batch", "4",
    "--epochs", "8",
  ]

  /// Real kills, at moments that the test knows nothing of.
  @Test func killsAtAnyMomentCostNothing() throws {
    let folder = TemporaryFolder()
    let data = folder.file("pictures.npy")
    try writePictures(200, to: data)
    let whole = folder.file("whole")
    #expect(try RunningCommand(train(data, whole) + model).end().status == 0)

    let run = folder.file("run")
    var random = RandomStream(seed: 1, "kills")
    var kills = 0
    var killsWithCheckpoint = 0
    for round in 0..<8 {
      let begun = FileManager.default.fileExists(atPath: "\(run)/config.json")
      let command = try RunningCommand(
        train(data, run, "--checkpoint-every", "0") + (begun ? ["--resume"] : model))
      // However slow the machine, one of them comes after a checkpoint.
      while round == 2 && command.isRunning
        && !FileManager.default.fileExists(atPath: "\(run)/checkpoint.safetensors")
      {
        Thread.sleep(forTimeInterval: 0.01)
      }
      Thread.sleep(forTimeInterval: 0.03 + 0.25 * random.uniform())
      command.send(SIGKILL)
      let end = try command.end()
      guard end.killed else {
        #expect(end.status == 0, "\(end.error)")
        break
      }
      kills += 1
      let hasCheckpoint = FileManager.default.fileExists(
        atPath: "\(run)/checkpoint.safetensors")
      if hasCheckpoint { killsWithCheckpoint += 1 }
    }
    #expect(kills >= 3)
    #expect(killsWithCheckpoint >= 1)
    let end = try RunningCommand(train(data, run, "--resume")).end()
    #expect(end.status == 0, "\(end.error)")
    try expectSameRuns(run, whole)
    // Sheets of samples are drawn as time allows.
    let curves = try [run, whole].map { try shownSteps($0).filter { $0.key != "samples" } }
    #expect(curves[0].count == 6)
    #expect(curves[0] == curves[1])
    // What a kill left half written is gone.
    let names = try FileManager.default.contentsOfDirectory(atPath: run)
    #expect(!names.contains { $0.hasSuffix(".partial") })
  }

  @Test func ctrlCSavesAndSaysHowToGoOn() throws {
    let folder = TemporaryFolder()
    // A path that a shell would take apart.
    let data = folder.file("my 'pictures'.npy")
    try writePictures(200, to: data)
    let run = folder.file("run")
    let command = try RunningCommand(
      train(data, run, "--json", "--minutes", "1", "--model", "nade", "--threads", "1"))
    while command.isRunning
      && FileManager.default.fileExists(atPath: "\(run)/checkpoint.safetensors") == false
    {
      Thread.sleep(forTimeInterval: 0.02)
    }
    command.send(SIGINT)
    let end = try command.end()
    #expect(!end.killed)
    #expect(end.status == 130)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(end.out.utf8)) as? [String: Any])
    #expect(end.out.filter { $0 == "\n" }.count == 1)
    #expect(object["interrupted"] as? Bool == true)
    #expect(object["steps"] as? Int ?? 0 > 0)
    let quoted = "'" + data.replacingOccurrences(of: "'", with: "'\\''") + "'"
    #expect(
      end.error.hasSuffix(
        "go on with: scanline train \(quoted) --run \(run) --resume --threads 1\n"))
    // And so it does.
    let trainer = try RunFolder.open(at: run)
    #expect(trainer.hasCheckpoint)
    let next = try RunningCommand(
      ["train", data, "--run", run, "--resume", "--threads", "1"])
    Thread.sleep(forTimeInterval: 0.3)
    next.send(SIGTERM)
    let stopped = try next.end()
    #expect(stopped.status == 143 || stopped.killed, "\(stopped.error)")
  }

  /// A limit on the size of files, which the system reports as it does a full disk.
  @Test func aFullDiskLeavesTheEarlierCheckpointWhole() throws {
    let folder = TemporaryFolder()
    let data = folder.file("pictures.npy")
    try writePictures(40, to: data)
    let run = folder.file("run")
    let begun = try RunningCommand(train(data, run) + model).end()
    #expect(begun.status == 0, "\(begun.error)")
    let whole = try contents(of: run)
    let other = folder.file("other")
    // 8 blocks of 512 bytes are less than a checkpoint.
    let failed = try RunningCommand(
      train(data, other) + model, prelude: "trap '' XFSZ; ulimit -f 8"
    ).end()
    #expect(failed.status == 1)
    #expect(failed.out.isEmpty)
    let line =
      "Error: \(other)/checkpoint.safetensors: cannot write: File too large; when that is mended,"
      + " go on with: scanline train \(data) --run \(other) --resume\n"
    #expect(failed.error.hasSuffix(line), "\(failed.error)")
    let names = try FileManager.default.contentsOfDirectory(atPath: other)
    #expect(!names.contains { $0.hasSuffix(".partial") })
    // With room it goes on, to the same weights.
    #expect(try RunningCommand(train(data, other, "--resume")).end().status == 0)
    try expectSameRuns(other, run)
    #expect(try contents(of: run) == whole)
  }

  @Test func aResumedRunKeepsItsValidationAndRefusesOtherwise() throws {
    let folder = TemporaryFolder()
    let data = folder.file("pictures.npy")
    let validation = folder.file("validation.npy")
    try writePictures(40, to: data)
    try writePictures(12, to: validation)
    let run = folder.file("run")
    let begin = train(data, run, "--validation", validation, "--json") + model
    let first = try RunningCommand(begin).end()
    #expect(first.status == 0, "\(first.error)")
    // The same flags, none, and a finished run.
    for arguments in [begin + ["--resume"], train(data, run, "--resume", "--json")] {
      let again = try RunningCommand(arguments).end()
      #expect(again.status == 0, "\(again.error)")
      #expect(again.error.contains("finished already"))
      #expect(again.out == first.out)
    }
    let before = try contents(of: run)
    for (more, expected) in [
      (["--model", "made"], "--model: expected nade"),
      (["--epochs", "7"], "--epochs: expected 8"),
      (["--patience", "3"], "--patience: expected 10"),
      (["--minutes", "9"], "--minutes: expected none"),
      (["--set", "hidden=13"], "--set hidden: expected 12"),
      (["--set", "blocks=13"], "--set blocks: expected none"),
      (["--binarize", "threshold"], "--binarize: expected stochastic"),
      (["--batch", "5"], "--batch: expected 4"), (["--size", "5x4"], "--size: expected 4x5"),
      (["--channels", "rgb"], "--channels: expected gray"),
      (["--learning-rate", "1"], "--learning-rate: expected 0.001"),
      (["--weight-decay", "1"], "--weight-decay: expected 0.0"),
      (["--head", "categorical"], "--head: expected bernoulli"),
      (["--validation", data], "the 12 validation images that the run was begun with, found 40"),
    ] {
      let end = try RunningCommand(train(data, run, "--resume") + more).end()
      #expect(end.status == 1)
      #expect(end.out.isEmpty)
      #expect(end.error.contains("Error: \(run): "), "\(end.error)")
      #expect(end.error.contains(expected), "\(end.error)")
    }
    // The default too, where it is asked for; and no wish is none.
    for (seed, found) in [("6", "found 6"), ("0", "found 0")] {
      let end = try RunningCommand(["train", data, "--run", run, "--resume", "--seed", seed]).end()
      #expect(end.status == 1)
      #expect(end.error.contains("--seed: expected 5") && end.error.contains(found), "\(end.error)")
    }
    let unsaid = try RunningCommand(["train", data, "--run", run, "--resume"]).end()
    #expect(unsaid.status == 0, "\(unsaid.error)")
    let other = try RunningCommand(train(validation, run, "--resume")).end()
    #expect(other.status == 1)
    #expect(other.error.contains("the 40 training images that the run was begun with, found 12"))
    let anew = try RunningCommand(begin).end()
    #expect(anew.status == 1)
    #expect(anew.error.contains("go on with it by --resume, or choose another --run"))
    #expect(try contents(of: run) == before)
  }

  @Test func quietMeansNothingButTheResult() throws {
    let folder = TemporaryFolder()
    let data = folder.file("pictures.npy")
    try writePictures(40, to: data)
    let end = try RunningCommand(train(data, folder.file("run"), "--quiet") + model).end()
    #expect(end.status == 0)
    #expect(end.error.isEmpty, "\(end.error)")
    #expect(end.out.hasPrefix("\(folder.file("run")): trained 8 epochs ("))
    #expect(end.out.filter { $0 == "\n" }.count == 1)
  }
}

/// A NumPy array file of pictures, 4 pixels wide and 5 high unless noise of another size is asked for.
func writePictures(_ count: Int, width: Int = 4, height: Int = 5, to path: String) throws {
  var pixels = width * height == 20 ? pictures(count, seed: 9).pixels : []
  if pixels.isEmpty {
    var random = RandomStream(seed: 9, "noise")
    pixels = (0..<count * width * height / 8).flatMap { _ in
      let word = random.next()
      return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
    }
  }
  var header =
    "{'descr': '|u1', 'fortran_order': False, 'shape': (\(count), \(height), \(width)), }"
  header += String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n"
  var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0]
  bytes += Array(header.utf8) + pixels
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}
