import Foundation
import Randomness
import RunFiles
import TestSupport
import Testing
import Training

/// A training stopped at moments that the test knows nothing of, from a shell.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct KillTests {
  /// `make study-kills` has 50.
  private static let kills = ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0) }

  @Test func stopsAtAnyMomentCostNothing() throws {
    let folder = TemporaryFolder()
    try writePictures(400, to: folder.file("pictures.npy"))
    func command(_ run: String, _ more: String) throws -> [String] {
      try [#require(Command.path)]
        + "train pictures.npy --run \(run) --seed 5 --checkpoint-every 0.2 \(more)"
        .split(separator: " ").map(String.init)
    }
    let model =
      "--model pixelcnn --set blocks=2 --set channels=16 --set dropout=0.1 --binarize stochastic"
      + " --batch 16 --epochs 12 --threads 1"
    let whole = try Shell(#"exec "$0" "$@""#, command("whole", model), in: folder.path)
    #expect(try whole.end() == 0, "\(whole.text("error"))")

    var random = RandomStream(seed: 2, "stops")
    var (kills, runs, slowest) = (0, 0, 0.0)
    while kills < Self.kills ?? 6 {
      let run = "run\(runs)"
      let isBegun = FileManager.default.fileExists(atPath: folder.file("\(run)/config.json"))
      let shell = try Shell(
        #"sh -c 'echo $$ > pid; exec "$0" "$@"' "$0" "$@"; echo $? > status"#,
        command(run, isBegun ? "--resume --threads 1" : model), in: folder.path)
      let process = try shell.number(in: "pid")
      Thread.sleep(forTimeInterval: 0.02 + 0.6 * random.uniform())
      let signal = random.uniform() < 0.5 ? SIGINT : SIGTERM
      let start = ContinuousClock.now
      let reached = kill(process, signal) == 0
      #expect(try shell.end() == 0)
      let status = try shell.number(in: "status")
      unlink(folder.file("pid"))
      unlink(folder.file("status"))
      if status == 0 {
        try expectSameRuns(folder.file(run), folder.file("whole"), "after \(kills) stops")
        runs += 1
        continue
      }
      #expect(reached && status == 128 + signal, "\(shell.text("error"))")
      kills += 1
      slowest = max(slowest, (ContinuousClock.now - start) / .seconds(1))
      try expectWhole(folder.file(run), shell.text("error"))
    }
    if Self.kills != nil {
      print("\(kills) stops in \(runs + 1) runs, the slowest in \(slowest) s")
      #expect(slowest < 3)
    }
    let run = "run\(runs)"
    let isBegun = FileManager.default.fileExists(atPath: folder.file("\(run)/config.json"))
    let rest = try Shell(
      #"exec "$0" "$@""#, command(run, isBegun ? "--resume --threads 1" : model), in: folder.path)
    #expect(try rest.end() == 0, "\(rest.text("error"))")
    try expectSameRuns(folder.file(run), folder.file("whole"))
  }

  /// Expects a whole checkpoint; or none, and no weights, of a run that was stopped before its first step.
  private func expectWhole(_ run: String, _ said: String) throws {
    guard FileManager.default.fileExists(atPath: run) else { return }
    let names = try FileManager.default.contentsOfDirectory(atPath: run)
    #expect(!names.contains { $0.hasSuffix(".partial") })
    guard said.contains("go on with") || names.contains("checkpoint.safetensors") else {
      #expect(!names.contains("weights.safetensors"))
      return
    }
    #expect(try TensorFile(reading: "\(run)/checkpoint.safetensors").tensors.count > 0)
    #expect(try TrainedModel(run: run).parameterCount > 0)
  }
}
