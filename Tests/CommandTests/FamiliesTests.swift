import Foundation
import Images
import TestSupport
import Testing

/// Families and heads that a person names, from images to a verdict.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct FamiliesTests {
  /// Colour images: bars whose channels go together.
  private func makeColourImages(_ place: Workplace) throws {
    try place.makeImages("grey", 60)
    place.folder.makeFolder("colour")
    for index in 0..<60 {
      let name = "\(index < 10 ? "0" : "")\(index).png"
      let grey = try Image.decode(contentsOf: place.file("grey/\(name)"))
      let pixels = grey.pixels.flatMap { [$0, $0 / 2 + 20, 255 - $0] }

      try Image(height: 10, width: 10, channels: 3, pixels: pixels)
        .writePNG(to: place.file("colour/\(name)"))
    }
  }

  @Test("a Gaussian is fitted without steps, then evaluated, drawn from and flagged by")
  func gaussian() throws {
    let place = Workplace()
    try place.makeImages("normal", 200)
    try place.makeImages("held-out", 60)
    try place.makeImages("mixed/good", 20)
    try place.makeImages("mixed/bad", 5, odd: true)
    let trained = try place.scanline(
      "train", "normal", "--run", "run", "--model", "gaussian", "--hold-out", "0", "--threads", "1",
      "--json"
    ).object()
    let validation = try #require(trained["validation_bits_per_dimension"] as? Double)
    // Shades of sixteen levels within 256: less than eight bits.
    #expect(validation < 7.5)
    let evaluated = try place.scanline("evaluate", "run", "held-out", "--json").object()
    let bits = try #require(evaluated["bits_per_dimension"] as? Double)
    #expect(abs(bits - validation) < 0.5)
    #expect(try place.scanline("sample", "run", "--count", "3", "--out", "drawn").status == 0)
    #expect(try place.scanline("sample", "run", "--beam", "2", "--out", "beam").status == 0)
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    let compared = try place.scanline(
      "compare", "run", "--in", "mixed/good", "--out-of", "mixed/bad", "--json"
    ).object()
    let pairs = try #require(compared["pairs"] as? [[String: Any]])
    let nats = try #require(pairs.first { $0["score"] as? String == "nats" })
    #expect(try #require(nats["auroc"] as? Double) > 0.95)
    #expect(
      try place.scanline(
        "flag", "run", "mixed", "--out", "flagged", "--false-alarm-rate", "0.1"
      ).status == 0)
    // Taken up again there is nothing left to do.
    let again = try place.scanline("train", "normal", "--run", "run", "--resume", "--json").object()
    #expect(again["steps"] as? Int == 1)
  }

  @Test("counts are fitted, evaluated, drawn from and put to the test")
  func context() throws {
    let place = Workplace()
    try place.makeImages("normal", 200)
    try place.makeImages("held-out", 60)
    let trained = try place.scanline(
      "train", "normal", "--run", "run", "--model", "context", "--set", "table=14", "--binarize",
      "threshold", "--hold-out", "0", "--threads", "1", "--json"
    ).object()
    #expect(try #require(trained["validation_bits_per_dimension"] as? Double) < 1)
    #expect(trained["steps"] as? Int == 1)
    let evaluated = try place.scanline("evaluate", "run", "held-out", "--json").object()
    #expect(try #require(evaluated["bits_per_dimension"] as? Double) < 1)
    #expect(try place.scanline("sample", "run", "--count", "3", "--out", "drawn").status == 0)
    #expect(try place.scanline("verify", "run", "--quiet").status == 0)
    try place.scanline("evaluate", "run", "held-out", "--orders", "2").expectFailure(
      naming: ["--orders: expected at most 1, in which run was trained, found 2"], status: 64)
  }

  @Test("a model of several orders is evaluated over as many as it has")
  func orders() throws {
    let place = Workplace()
    try place.makeImages("normal", 80)
    func train(_ run: String, _ arguments: String...) throws {
      let result = try place.scanline(
        [
          "train", "normal", "--run", run, "--binarize", "threshold", "--epochs", "2", "--hold-out",
          "0", "--threads", "1",
        ] + arguments)
      #expect(result.status == 0, "\(result.error)")
    }
    func nats(_ run: String, _ orders: Int) throws -> Double {
      let found = try place.scanline(
        "evaluate", run, "normal", "--orders", "\(orders)", "--json"
      ).object()
      #expect(found["orders"] as? Int == orders)
      return try #require(found["nats_per_image"] as? Double)
    }
    try train("made", "--model", "made", "--set", "hidden=20", "--set", "orders=3")
    #expect(try nats("made", 3) != nats("made", 1))
    try place.scanline("evaluate", "made", "normal", "--orders", "4").expectFailure(
      naming: ["--orders: expected at most 3, in which made was trained, found 4"], status: 64)
    try train("deep", "--model", "deep-nade", "--set", "hidden=20,10")
    #expect(try nats("deep", 4) != nats("deep", 1))
    #expect(try place.scanline("verify", "deep", "--quiet").status == 0)
  }

  @Test("a mixture of logistics learns colour images, and is taken up with its components")
  func mixture() throws {
    let place = Workplace()
    try makeColourImages(place)
    let train = [
      "train", "colour", "--run", "run", "--model", "pixelcnn", "--set", "blocks=1", "--set",
      "channels=8", "--head", "logistic-mixture", "--components", "4", "--threads", "1",
      "--hold-out", "0", "--json",
    ]
    let first = try place.scanline(train + ["--epochs", "3", "--batch", "8"]).object()
    let before = try #require(first["validation_bits_per_dimension"] as? Double)
    let info = try place.scanline("info", "run", "--json").object()
    #expect(info["head"] as? String == "logistic-mixture" && info["components"] as? Int == 4)
    #expect(try place.scanline("info", "run").out.contains("256 levels, 4 components"))
    let score = try place.scanline("score", "run", "colour", "--out", "scores.csv")
    #expect(score.status == 0, "\(score.error)")
    #expect(try place.scanline("sample", "run", "--count", "2", "--out", "drawn").status == 0)
    try place.scanline(
      "train", "colour", "--run", "run", "--resume", "--components", "5"
    ).expectFailure(naming: ["--components", "expected 4", "found 5"])
    let further = try place.scanline(
      "train", "colour", "--run", "run", "--resume", "--epochs", "30", "--json"
    ).object()
    let after = try #require(further["validation_bits_per_dimension"] as? Double)
    #expect(after < min(8, before), "from \(before) to \(after)")
  }

  @Test("what does not go together is refused with a sentence")
  func refusals() throws {
    let place = Workplace()
    try makeColourImages(place)
    func expect(_ words: [String], status: Int32, _ arguments: String...) throws {
      try place.scanline(["train", "colour", "--run", "run"] + arguments).expectFailure(
        naming: words, status: status)
      #expect(!place.exists("run/config.json"))
    }
    try expect(
      ["nade with a logistic-mixture head: expected grey images", "found 3 channels"], status: 1,
      "--model", "nade", "--head", "logistic-mixture")
    try expect(
      ["gaussian with a categorical head: expected normal"], status: 1, "--model", "gaussian",
      "--head", "categorical")
    try expect(
      [
        "made with a normal head: expected bernoulli, categorical, logistic-mixture,"
          + " gaussian-mixture"
      ], status: 1,
      "--model", "made", "--head", "normal")
    try expect(
      ["--epochs, --batch: expected none with --model gaussian", "fitted in closed form"],
      status: 64,
      "--model", "gaussian", "--epochs", "3", "--batch", "4")
    try expect(
      [
        "--optimiser: expected adamw with --model nade, which has no kernels of convolutions,"
          + " found muon"
      ], status: 1, "--model", "nade", "--optimiser", "muon")
    try expect(["--components: expected a mixture"], status: 64, "--components", "4")
    try expect(
      ["--components: expected 1 ... 64, found 65"], status: 64, "--head", "logistic-mixture",
      "--components", "65")
  }
}
