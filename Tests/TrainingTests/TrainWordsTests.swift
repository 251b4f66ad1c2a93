import Foundation
import TestSupport
import Testing

/// What `train` says of size, time and overfitting, and what it refuses to begin.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct TrainWordsTests {
  let folder = TemporaryFolder()

  private func train(_ words: String) throws -> (status: Int32, out: String, error: String) {
    let end = try RunningCommand(
      ["train", folder.file("pictures.npy"), "--run", folder.file("run")]
        + words.split(separator: " ").map(String.init)
    ).end()
    return (end.status, end.out, end.error)
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test func sizeMemoryDiskAndTimeComeBeforeTheFirstStep() throws {
    try writePictures(40, to: folder.file("pictures.npy"))
    let end = try train("--model nade --set hidden=12 --binarize threshold --epochs 2")
    #expect(end.status == 0, "\(end.error)")
    let lines = end.error.split(separator: "\n")
    let cost = try #require(
      lines.firstIndex { $0.hasPrefix("weights 2.0 kB, run 10 kB on the disk") })
    let epoch = try #require(lines.firstIndex { $0.hasPrefix("epoch 1 ") })
    #expect(cost < epoch)
    for words in [" of memory", " s a step", "1 step an epoch", "in all"] {
      #expect(lines[cost].contains(words), "\(lines[cost])")
    }
    // It is the files' size.
    let weights = try bytes(of: folder.file("run/weights.safetensors")).count
    #expect(weights > 2000 && weights < 4000)
  }

  /// The defaults that hurt.
  @Test(arguments: [
    (28, 28, "--model fvsbn", ["3.2 GB on the disk", "of memory", "--levels 16", "--large"]),
    (400, 300, "--model fvsbn", ["memory", "--size 32x24", "--levels 16"]),
    (400, 300, "--model nade --levels 2", ["memory", "--size 32x24"]),
    (1600, 1200, "--set blocks=20", ["--size 32x24"]),
  ])
  func largerThanMostPeopleWant(_ width: Int, _ height: Int, _ words: String, _ named: [String])
    throws
  {
    try writePictures(16, width: width, height: height, to: folder.file("pictures.npy"))
    let end = try train(words)
    #expect(end.status == 1 && end.out.isEmpty)
    let last = try #require(end.error.split(separator: "\n").last)
    #expect(last.hasPrefix("Error: \(folder.file("run")): ") || last.contains("pixelcnn on"))
    for word in named { #expect(last.contains(word), "\(last)") }
    #expect(!FileManager.default.fileExists(atPath: folder.file("run/config.json")))
  }

  @Test func overfittingIsSaidAndEndsIt() throws {
    try writePictures(30, to: folder.file("pictures.npy"))
    let end = try train(
      "--model nade --set hidden=200 --levels 16 --learning-rate 0.05 --epochs 300 --json")
    #expect(end.status == 0, "\(end.error)")
    let result = try object(end.out)
    #expect(result["ended_early"] as? Bool == true && result["interrupted"] as? Bool == false)
    let best = try #require(result["best_epoch"] as? Int)
    let epochs = try #require(result["epochs"] as? Int)
    // Ten epochs, and a tenth of 300.
    #expect(epochs == best + 30)
    let bits = try #require(result["validation_bits_per_dimension"] as? Double)
    let nats = try #require(result["validation_nats_per_image"] as? Double)
    #expect(abs(bits * 20 * log(2) - nats) < 1e-9 * nats)
    #expect(end.error.contains("few images: "))
    #expect(end.error.contains("validation has not improved for 5 epochs: it is "))
    #expect(end.error.contains("by heart; more images, "))
    // In one unit.
    #expect(end.error.contains(try Regex("train [0-9.]+, validation [0-9.]+ bits/dim")))
    // With --patience 0 it goes on to its end.
    try FileManager.default.removeItem(atPath: folder.file("run"))
    let whole = try train(
      "--model nade --set hidden=200 --levels 16 --learning-rate 0.05 --epochs 60 --patience 0"
        + " --json")
    #expect(try object(whole.out)["epochs"] as? Int == 60)
  }

  @Test func aFinishedRunIsTakenFurther() throws {
    try writePictures(40, to: folder.file("pictures.npy"))
    let model = "--model nade --set hidden=12 --binarize threshold --batch 8 --epochs"
    #expect(try train("\(model) 4 --quiet").status == 0)
    let finished = try train("--resume")
    #expect(finished.error.contains("finished already: nothing to do; a larger --epochs"))
    let further = try train("--resume --epochs 9 --learning-rate 0.0005 --json")
    #expect(further.status == 0, "\(further.error)")
    #expect(try object(further.out)["epochs"] as? Int == 9)
    #expect(further.error.contains("from the best weights, by a new schedule after epoch 4"))
    let configuration = try object(
      String(contentsOfFile: folder.file("run/config.json"), encoding: .utf8))
    let earlier = try #require(configuration["earlier"] as? [[String: Any]])
    #expect(earlier.count == 1 && earlier[0]["epochs"] as? Int == 4)
    let info = try RunningCommand(["info", folder.file("run")]).end()
    #expect(info.out.contains("4 epochs, then to 9 epochs, batch 8, adamw, learning rate 0.0005"))
    // The same words again, or none, are no other training.
    for words in ["--resume --epochs 9", "--resume"] {
      #expect(try train(words).error.contains("finished already"))
    }
  }

  /// In the middle of its schedule there is no other.
  @Test func anUnfinishedRunIsNotTakenFurther() throws {
    try writePictures(400, to: folder.file("pictures.npy"))
    let command = try RunningCommand(
      [
        "train", folder.file("pictures.npy"), "--run", folder.file("run"), "--model", "nade",
        "--epochs", "1000000", "--checkpoint-every", "0",
      ])
    while command.isRunning
      && !FileManager.default.fileExists(atPath: folder.file("run/checkpoint.safetensors"))
    {
      Thread.sleep(forTimeInterval: 0.02)
    }
    command.send(SIGINT)
    #expect(try command.end().status == 130)
    let end = try train("--resume --epochs 2000000")
    #expect(end.status == 1)
    #expect(
      end.error.contains(
        "--epochs: expected 1000000, with which the run was begun and which it has yet to reach"))
  }

  @Test func infoKnowsNoEpochsThatNothingRecords() throws {
    try writePictures(40, to: folder.file("pictures.npy"))
    #expect(try train("--model fvsbn --binarize threshold --epochs 2 --quiet").status == 0)
    let run = folder.file("run")
    try FileManager.default.removeItem(atPath: "\(run)/metrics.jsonl")
    #expect(try RunningCommand(["info", run]).end().out.contains("done        2 epochs, 2 steps"))
    try FileManager.default.removeItem(atPath: "\(run)/checkpoint.safetensors")
    #expect(try RunningCommand(["info", run]).end().out.contains("done        not recorded"))
    let json = try object(RunningCommand(["info", run, "--json"]).end().out)
    #expect(json["epochs"] == nil || json["epochs"] is NSNull)
  }
}
