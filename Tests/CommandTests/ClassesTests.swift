import Foundation
import Images
import Randomness
import TestSupport
import Testing

/// Classes, completion, decoding and trainings that start from another, run as a person runs them.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct Conditions {
  let place = Workplace()

  /// Bars that stand and bars that lie, 6 × 6.
  private func makeBars(_ folder: String, _ count: Int, names: [String] = ["lying", "standing"])
    throws
  {
    for (kind, name) in names.enumerated() {
      place.folder.makeFolder("\(folder)/\(name)")
      for index in 0..<count {
        var random = RandomStream(seed: 3, "\(folder)/\(kind)", index)
        let line = random.integer(below: 6)
        let pixels = (0..<36).map { i -> UInt8 in
          let isBright = (kind == 0 ? i / 6 : i % 6) == line
          // No two are the same before they are made binary.
          return (isBright ? 200 : 0) + UInt8(random.integer(below: 50))
        }
        try Image(height: 6, width: 6, channels: 1, pixels: pixels)
          .writePNG(to: place.file("\(folder)/\(name)/\(index).png"))
      }
    }
  }

  @discardableResult
  private func train(_ arguments: String...) throws -> Outcome {
    let outcome = try place.scanline(
      ["train"] + arguments + [
        "--batch", "8", "--learning-rate", "0.02", "--threads", "1", "--quiet",
      ])
    #expect(outcome.status == 0, "\(outcome.error)")
    return outcome
  }

  private func trainBars() throws {
    try makeBars("bars", 60)
    try train(
      "bars", "--run", "run", "--classes", "--model", "pixelcnn", "--set", "blocks=1", "--set",
      "channels=8", "--binarize", "threshold", "--epochs", "30", "--hold-out", "0")
  }

  /// Whether a bar lies: some row is brighter than every column.
  private func lies(_ file: String) throws -> Bool {
    let pixels = try Image.decode(contentsOf: place.file(file)).pixels.map(Int.init)
    let rows = (0..<6).map { r in (0..<6).reduce(0) { $0 + pixels[6 * r + $1] } }
    let columns = (0..<6).map { c in (0..<6).reduce(0) { $0 + pixels[6 * $1 + c] } }
    return rows.max()! > columns.max()!
  }

  @Test("classes are learned, drawn and told")
  func classes() throws {
    try trainBars()
    let configuration = String(decoding: try place.contents("run/config.json"), as: UTF8.self)
    #expect(configuration.contains("\"lying\"") && configuration.contains("\"standing\""))

    // Ten of each by default, a row each.
    let sheet = try place.scanline("sample", "run", "--out", "s", "--json").object()
    #expect(sheet["images"] as? Int == 20)
    let grid = try Image.decode(contentsOf: place.file("s/grid.png"))
    #expect(grid.width > 4 * grid.height)
    let right = try (1...20).count { index in
      try lies("s/00\(index < 10 ? "0" : "")\(index).png") == (index <= 10)
    }
    #expect(right >= 16)
    #expect(
      try place.scanline("sample", "run", "--class", "standing", "--count", "6", "--out", "c")
        .status
        == 0)
    #expect(try (1...6).count { try !lies("c/000\($0).png") } >= 4)
    // Of any class as often as it occurs.
    #expect(try place.scanline("sample", "run", "--count", "40", "--out", "any").status == 0)
    let lying = try (1...40).count { try lies("any/00\($0 < 10 ? "0" : "")\($0).png") }
    #expect((8...32).contains(lying))

    try makeBars("test", 30)
    let told = try place.scanline("evaluate", "run", "test", "--classes", "--json").object()
    let classes = try #require(told["classes"] as? [String: Any])
    func number(_ key: String) throws -> Double { try #require(classes[key] as? Double) }
    #expect(try number("accuracy") > 0.9)
    #expect(try number("log_loss") > 0 && number("log_loss") < 0.5)
    #expect(try number("calibration_error") >= 0 && number("calibration_error") < 0.2)
    let nats = try #require(told["nats_per_image"] as? Double)
    // p(x) = Σ p(y) p(x | y) lies between p(x | y) and a half of it, but for what the other class adds.
    let given = try number("nats_per_image_given_class")
    #expect(nats < given + log(2) + 0.01 && nats > given - 0.5)
    // Labels or not, p(x) is the same.
    let plain = try place.scanline("evaluate", "run", "test", "--json").object()
    #expect(abs(try #require(plain["nats_per_image"] as? Double) - nats) < 1e-4)

    #expect(try place.scanline("verify", "run", "--images", "16").status == 0)
    #expect(try place.scanline("score", "run", "test", "--out", "scores.csv").status == 0)
  }

  @Test(
    "recurrent and orderless networks and counts are told classes, and orders where they take steps",
    arguments: [
      ["rnn", "--set", "hidden=24"], ["pixelrnn", "--set", "channels=8", "--set", "layers=1"],
      ["deep-nade", "--set", "hidden=48", "--set", "raster=0.7"], ["context", "--set", "table=14"],
    ])
  func families(_ model: [String]) throws {
    try makeBars("bars", 60)
    try makeBars("test", 30)
    let isFitted = model[0] == "context"
    func train(_ arguments: String...) throws -> Outcome {
      try place.scanline(
        ["train", "bars", "--model"] + model + arguments
          + (isFitted ? [] : ["--batch", "8", "--learning-rate", "0.02", "--epochs", "60"])
          + ["--binarize", "threshold", "--hold-out", "0", "--threads", "1", "--quiet"])
    }
    let trained = try train("--run", "run", "--classes")
    #expect(trained.status == 0, "\(trained.error)")
    let told = try place.scanline("evaluate", "run", "test", "--classes", "--json").object()
    let classes = try #require(told["classes"] as? [String: Any])
    #expect(try #require(classes["accuracy"] as? Double) > 0.8)
    let verified = try place.scanline("verify", "run", "--images", "8")
    #expect(verified.status == 0, "\(verified.out)\(verified.error)")

    let ordered = try train("--run", "ordered", "--orders", "2")
    guard !isFitted else {
      return ordered.expectFailure(
        naming: ["--orders: expected none with --model context"], status: 64)
    }
    #expect(ordered.status == 0, "\(ordered.error)")
    let orders = try place.scanline("verify", "ordered", "--images", "8")
    #expect(orders.status == 0 && orders.out.contains("over 2 orders: "), "\(orders.out)")
  }

  @Test("what classes cannot be is one line")
  func refusals() throws {
    try trainBars()
    try place.scanline("sample", "run", "--class", "sitting", "--out", "x").expectFailure(
      naming: ["--class", "lying, standing", "sitting"])
    try makeBars("strange", 3, names: ["lying", "odd"])
    try place.scanline("evaluate", "run", "strange", "--classes").expectFailure(
      naming: ["strange", "odd/", "lying, standing"])
    try place.makeImages("one/class", 8)
    try place.scanline("train", "one", "--run", "never", "--classes").expectFailure(
      naming: ["--classes", "2 ... 10000", "found 1"])
    try train(
      "bars", "--run", "plain", "--model", "fvsbn", "--binarize", "threshold", "--epochs", "2",
      "--hold-out", "0")
    try place.scanline("sample", "plain", "--class", "lying", "--out", "x").expectFailure(
      naming: ["--class", "trained with --classes", "plain"])
    try place.scanline("evaluate", "plain", "bars", "--classes").expectFailure(
      naming: ["--classes", "plain"])
    #expect(!place.exists("x") && !place.exists("never"))
  }

  @Test("holes are completed, exactly or by particles, and seen pixels stay")
  func completion() throws {
    try trainBars()
    let original = try Image.decode(contentsOf: place.file("bars/standing/0.png"))
    let half = try place.scanline(
      "complete", "run", "bars/standing/0.png", "--keep-rows", "3", "--count", "3", "--out", "half",
      "--json"
    ).object()
    let images = try #require(half["images"] as? [[String: Any]])
    #expect(images.count == 1 && images[0]["method"] as? String == "exact")
    #expect(
      try place.names(in: "half") == ["0001-1.png", "0001-2.png", "0001-3.png", "sheet.png"])
    for file in ["0001-1.png", "0001-3.png"] {
      let found = try Image.decode(contentsOf: place.file("half/\(file)"))
      for i in 0..<18 { #expect((found.pixels[i] >= 128) == (original.pixels[i] >= 128)) }
      #expect(try !lies("half/\(file)"))
    }

    // A hole of the upper rows: what is below says what kind of bar, and where.
    try Image(
      height: 6, width: 6, channels: 1, pixels: (0..<36).map { $0 < 18 ? 255 : 0 }
    ).writePNG(to: place.file("mask.png"))
    let outcome = try place.scanline(
      "complete", "run", "bars/standing", "--first", "2", "--mask", "mask.png", "--count", "4",
      "--tell-hole", "--out", "upper", "--json"
    ).object()
    let upper = try #require(outcome["images"] as? [[String: Any]])
    #expect(upper.count == 2)
    for image in upper {
      #expect(image["method"] as? String == "particles")
      let effective = try #require(image["effective_particles"] as? Double)
      #expect(effective > 1 && effective <= 64)
      let given = try #require(image["hole_nats_given"] as? Double)
      let naive = try #require(image["hole_nats_naive"] as? Double)
      #expect(given < naive)
    }
    let right = try (1...4).count { try !lies("upper/0001-\($0).png") }
    #expect(right >= 3)
    // A row an image: original, hole and four completions.
    let sheet = try Image.decode(contentsOf: place.file("upper/sheet.png"))
    #expect(sheet.channels == 3 && sheet.width * 2 > sheet.height * 5)
    // The same seed, the same images.
    #expect(
      try place.scanline(
        "complete", "run", "bars/standing", "--first", "2", "--mask", "mask.png", "--count", "2",
        "--out", "again"
      ).status == 0)
    #expect(try place.contents("again/0002-2.png") == place.contents("upper/0002-2.png"))
  }

  @Test("a hole that cannot be is one line")
  func holes() throws {
    try trainBars()
    let image = "bars/lying/0.png"
    try place.scanline("complete", "run", image, "--out", "x").expectFailure(
      naming: ["--keep-rows, --mask", "found none"], status: 64)
    try place.scanline("complete", "run", image, "--keep-rows", "6", "--out", "x").expectFailure(
      naming: ["--keep-rows", "0 ... 5", "found 6"])
    try place.makeImages("masks", 1)
    try place.scanline(
      "complete", "run", image, "--mask", "masks/00.png", "--out", "x"
    ).expectFailure(naming: ["masks/00.png", "6x6", "10x10"])
    try Image(height: 6, width: 6, channels: 1, pixels: Array(repeating: 3, count: 36))
      .writePNG(to: place.file("black.png"))
    try place.scanline("complete", "run", image, "--mask", "black.png", "--out", "x").expectFailure(
      naming: ["black.png", "white"])
    try place.scanline("complete", "run", "none.png", "--keep-rows", "2", "--out", "x")
      .expectFailure(naming: ["none.png"])
    #expect(!place.exists("x"))
  }

  @Test("a beam finds an image at least as probable as greed, and says how probable")
  func beam() throws {
    try trainBars()
    func log(_ arguments: String...) throws -> Double {
      let object = try place.scanline(["sample", "run", "--json"] + arguments).object()
      return try #require((object["log_probabilities"] as? [Double])?.first)
    }
    let greedy = try log("--beam", "1", "--class", "lying", "--out", "greedy")
    let wide = try log("--beam", "12", "--class", "lying", "--out", "wide")
    #expect(wide >= greedy)
    // Of p(x) it is what evaluate says of the image.
    let any = try log("--beam", "6", "--out", "any")
    let evaluated = try place.scanline("evaluate", "run", "any/0001.png", "--json").object()
    #expect(abs(try #require(evaluated["nats_per_image"] as? Double) + any) < 1e-3)
  }

  @Test("a training starts from another run, whole or by additions to it")
  func start() throws {
    try makeBars("bars", 60)
    try train(
      "bars/lying", "--run", "base", "--model", "pixelcnn", "--set", "blocks=1", "--set",
      "channels=8", "--binarize", "threshold", "--epochs", "12", "--hold-out", "0")
    func nats(_ run: String) throws -> Double {
      let object = try place.scanline("evaluate", run, "bars/standing", "--json").object()
      return try #require(object["nats_per_image"] as? Double)
    }
    func configuration(_ run: String) throws -> [String: Any] {
      let object = try JSONSerialization.jsonObject(with: try place.contents("\(run)/config.json"))
      return try #require(object as? [String: Any])
    }
    let before = try nats("base")
    try train(
      "bars/standing", "--run", "whole", "--from", "base", "--epochs", "4", "--hold-out", "0")
    // The model and its settings are those of the base.
    let model = try #require(configuration("whole")["model"] as? [String: Any])
    #expect((model["settings"] as? [String: String])?["channels"] == "8")
    #expect(try nats("whole") < before - 1)

    try train(
      "bars/standing", "--run", "added", "--from", "base", "--adapters", "1", "--epochs", "6",
      "--hold-out", "0")
    #expect(try nats("added") < before - 0.5)
    let small = try place.contents("added/weights.safetensors").count
    #expect(small * 3 < (try place.contents("base/weights.safetensors").count))
    // The base is as it was, and the run can be verified and drawn from.
    #expect(try nats("base") == before)
    #expect(try place.scanline("verify", "added", "--images", "8").status == 0)
    #expect(try place.scanline("sample", "added", "--count", "2", "--out", "s").status == 0)

    // It can be taken further.
    func epochs(_ run: String, _ count: String, _ more: String...) throws -> Outcome {
      try place.scanline(
        ["train", "bars/standing", "--run", run, "--epochs", count, "--threads", "1", "--quiet"]
          + more)
    }
    #expect(try epochs("added", "9", "--resume").status == 0)
    #expect(try nats("added") < before - 0.5)

    // Moved together they still go together; without its base, or with another, it is refused.
    try FileManager.default.createDirectory(
      atPath: place.file("moved"), withIntermediateDirectories: true)
    for run in ["base", "added"] {
      try FileManager.default.moveItem(atPath: place.file(run), toPath: place.file("moved/\(run)"))
    }
    #expect(try place.scanline("info", "moved/added").status == 0)
    try FileManager.default.moveItem(
      atPath: place.file("moved/base"), toPath: place.file("elsewhere"))
    try place.scanline("info", "moved/added").expectFailure(
      naming: ["moved/added/config.json", "base", "no run there"])
    try FileManager.default.copyItem(
      atPath: place.file("whole"), toPath: place.file("moved/base"))
    try place.scanline("sample", "moved/added", "--out", "t").expectFailure(
      naming: ["moved/added/config.json", "start.weights", "fingerprint"])
  }

  @Test("a training with a palette starts from a run without one")
  func palette() throws {
    try makeBars("bars", 12)
    try train(
      "bars", "--run", "plain", "--model", "pixelcnn++", "--set", "levels=1", "--set", "units=1",
      "--set", "channels=4", "--epochs", "1", "--hold-out", "0")
    try train(
      "bars", "--run", "told", "--from", "plain", "--set", "palette=on", "--epochs", "2",
      "--hold-out", "0")
    #expect(try place.scanline("sample", "told", "--count", "2", "--out", "s").status == 0)
    try place.scanline(
      "train", "bars", "--run", "new", "--from", "plain", "--set", "palette=on", "--adapters", "1",
      "--hold-out", "0"
    ).expectFailure(naming: ["tensor 'palette/", "--adapters learns none but"])
    try place.scanline(
      "train", "bars", "--run", "new", "--from", "told", "--set", "palette=off", "--hold-out", "0"
    ).expectFailure(naming: ["tensor 'palette/", "no such weights in the new model"])
    try place.scanline(
      "train", "bars", "--run", "new", "--model", "pixelcnn++", "--set", "palette=on",
      "--binarize", "threshold", "--hold-out", "0"
    ).expectFailure(naming: ["palette of pixelcnn++", "off, with a bernoulli head"])
  }

  @Test("a start that does not fit is one line")
  func starts() throws {
    try makeBars("bars", 12)
    try train(
      "bars", "--run", "base", "--model", "made", "--set", "hidden=9", "--binarize", "threshold",
      "--epochs", "1", "--hold-out", "0")
    try place.scanline(
      "train", "bars", "--run", "new", "--from", "base", "--set", "hidden=10", "--hold-out", "0"
    ).expectFailure(naming: ["tensor '", "[10, 36]", "[9, 36]"])
    try place.scanline("train", "bars", "--run", "new", "--from", "none").expectFailure(
      naming: ["none"])
    try place.scanline("train", "bars", "--run", "new", "--adapters", "2").expectFailure(
      naming: ["--adapters", "--from"], status: 64)
    try place.scanline("train", "bars", "--run", "new", "--from", "base", "--adapters", "0")
      .expectFailure(naming: ["--adapters", "1 ... 1024", "found 0"], status: 64)
    #expect(!place.exists("new"))
  }
}
