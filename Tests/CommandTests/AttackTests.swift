import Foundation
import Images
import Randomness
import TestSupport
import Testing

/// A classifier trained, evaluated and attacked as a person does it.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct AttackTests {
  let place = Workplace()

  /// Bars that stand and bars that lie, 8 × 8, on grey ground with noise.
  private func makeBars(_ folder: String, _ count: Int) throws {
    for (kind, name) in ["lying", "standing"].enumerated() {
      place.folder.makeFolder("\(folder)/\(name)")
      for index in 0..<count {
        var random = RandomStream(seed: 3, "\(folder)/\(kind)", index)
        let line = random.integer(below: 8)
        let pixels = (0..<64).map { i -> UInt8 in
          let isBright = (kind == 0 ? i / 8 : i % 8) == line
          return (isBright ? 140 : 80) + UInt8(random.integer(below: 40))
        }
        try Image(height: 8, width: 8, channels: 1, pixels: pixels)
          .writePNG(to: place.file("\(folder)/\(name)/\(index).png"))
      }
    }
  }

  private func trained() throws {
    try makeBars("bars", 60)
    try makeBars("test", 20)
    let outcome = try place.scanline(
      "train", "bars", "--run", "told", "--model", "resnet", "--set", "channels=8", "--set",
      "levels=2", "--epochs", "25", "--learning-rate", "0.002", "--batch", "16", "--threads", "1",
      "--json")
    let object = try outcome.object()
    #expect(object["held_out_images"] as? Int == 0)
    #expect(place.exists("told/weights.safetensors") && !place.exists("told/calibration.json"))
  }

  @Test("a classifier is a run: trained without further words, evaluated, described")
  func classifier() throws {
    try trained()
    let object = try place.scanline("evaluate", "told", "test", "--json").object()
    #expect(try #require(object["accuracy"] as? Double) > 0.9)
    for key in ["log_loss", "calibration_error", "accuracy_standard_error", "images_per_second"] {
      #expect(object[key] is Double, "\(key)")
    }
    let text = try place.scanline("info", "told").out
    #expect(text.contains("resnet") && text.contains("lying") && text.contains("bits/label"))
    // Its temperature is part of the weights, once.
    let weights = String(decoding: try place.contents("told/weights.safetensors"), as: UTF8.self)
    #expect(weights.contains("\"temperature\""))
    let again = try place.scanline("train", "bars", "--run", "told", "--resume", "--quiet")
    #expect(again.status == 0, "\(again.error)")
    let evaluated = try place.scanline("evaluate", "told", "test", "--json").object()
    let (before, after) = (object["log_loss"] as? Double, evaluated["log_loss"] as? Double)
    #expect(before == after)
  }

  @Test("attacked images are files in folders of their classes, within epsilon, and fool it")
  func attack() throws {
    try trained()
    let outcome = try place.scanline(
      "attack", "told", "test", "--epsilon", "40", "--out", "attacked", "--json")
    let object = try outcome.object()
    let (before, after) = (object["accuracy"] as? Double, object["accuracy_after"] as? Double)
    #expect(try #require(before) > 0.9 && #require(after) < 0.5)
    for kind in ["lying", "standing"] {
      for index in 0..<20 {
        let original = try Image.decode(contentsOf: place.file("test/\(kind)/\(index).png"))
        let moved = try Image.decode(contentsOf: place.file("attacked/images/\(kind)/\(index).png"))
        let moves = zip(original.pixels, moved.pixels).map { abs(Int($0) - Int($1)) }
        #expect(moves.max()! <= 40)
      }
    }
    // Judged as what is in the files.
    let told = try place.scanline("evaluate", "told", "attacked/images", "--json").object()
    #expect(told["accuracy"] as? Double == after)
    let table = String(decoding: try place.contents("attacked/attack.csv"), as: UTF8.self)
    #expect(table.hasPrefix("path,file,class,told,told_after,largest_move,length\n"))
    #expect(table.split(separator: "\n").count == 41 && place.exists("attacked/sheet.png"))
    // The same again: what scanline wrote is its own to replace.
    let again = try place.scanline(
      "attack", "told", "test", "--epsilon", "40", "--out", "attacked", "--json"
    ).object()
    #expect(again["accuracy_after"] as? Double == after)
  }

  @Test("who knows a density attacks it too")
  func density() throws {
    try trained()
    #expect(
      try place.scanline(
        "train", "bars", "--run", "density", "--model", "pixelcnn", "--set", "blocks=1", "--set",
        "channels=8", "--epochs", "10", "--quiet"
      ).status == 0)
    for method in ["detector", "purifier"] {
      let object = try place.scanline(
        "attack", "told", "test", "--method", method, "--density", "density", "--epsilon", "40",
        "--steps", "5", "--first", "10", "--out", method, "--json"
      ).object()
      #expect(object["images"] as? Int == 10)
    }
    let classes = try place.names(in: "detector/images")
    #expect(classes == ["lying"])
  }

  @Test("what makes no sense is said in a line")
  func refusals() throws {
    try trained()
    try place.scanline("score", "told", "test", "--out", "scores.csv")
      .expectFailure(naming: ["told", "a density", "a classifier"])
    try place.scanline("attack", "told", "test", "--method", "detector", "--out", "out")
      .expectFailure(naming: ["--density", "a run", "none"])
    try place.scanline("attack", "told", "test", "--density", "told", "--out", "out")
      .expectFailure(naming: ["told", "a density"])
    try place.scanline("attack", "told", "test", "--epsilon", "0", "--out", "out")
      .expectFailure(naming: ["--epsilon", "more than 0"], status: 64)
    try place.scanline("attack", "told", "test", "--method", "fgsm", "--steps", "3", "--out", "out")
      .expectFailure(naming: ["--steps", "fgsm"], status: 64)
    try place.scanline("attack", "told", "test", "--method", "magic", "--out", "out")
      .expectFailure(naming: ["--method", "magic"], status: 64)
    try place.scanline("train", "bars", "--run", "x", "--model", "resnet", "--hold-out", "10")
      .expectFailure(naming: ["--hold-out", "resnet"], status: 64)
    try place.scanline("benchmark", "--model", "resnet")
      .expectFailure(naming: ["a density", "resnet"])
    try place.makeImages("plain", 12)
    try place.scanline("train", "plain", "--run", "x", "--model", "resnet")
      .expectFailure(naming: ["plain", "class"])
    try place.scanline("attack", "told", "plain", "--out", "out").expectFailure(naming: ["plain"])
    #expect(!place.exists("out") && !place.exists("x"))
  }
}
