import Foundation
import TestSupport
import Testing

/// `export`, and what can be done with what it leaves, as a person types it.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct Exports {
  let place: Workplace

  init() throws { place = try Workplace.trained() }

  private func nats(of run: String) throws -> Double {
    let outcome = try place.scanline("evaluate", run, "held-out", "--json")
    return try #require(try outcome.object()["nats_per_image"] as? Double)
  }

  /// What Benchmarks/results.py says of the runs in runs/.
  private func results(_ data: String) throws -> (status: Int32, text: String) {
    let script = URL(fileURLWithPath: #filePath).appendingPathComponent(
      "../../../Benchmarks/results.py"
    ).standardized.path
    let shell = try Shell(
      "python3 '\(script)' --runs runs --data '\(data)' --scanline \"$0\"",
      [#require(Command.path)], in: place.path)
    return (try shell.end(), shell.text("out") + shell.text("error"))
  }

  @Test("a copy has half the weights, the same likelihood but for rounding, and a card")
  func copies() throws {
    let exported = try place.scanline(
      "export", "run", "--out", "zoo/bars", "--test", "held-out", "--data-name", "bars", "--json")
    let result = try exported.object()
    #expect(
      try place.names(in: "zoo/bars")
        == ["README.md", "config.json", "metrics.jsonl", "results.json", "weights.safetensors"])
    let published = try #require(result["nats_per_image"] as? Double)
    #expect(try nats(of: "zoo/bars") == published)
    #expect(abs(try nats(of: "run") - published) < 0.01)
    let sizes = try ["run", "zoo/bars"].map {
      try place.contents("\($0)/weights.safetensors").count
    }
    #expect(sizes[1] < sizes[0] * 3 / 5)

    let card = String(decoding: try place.contents("zoo/bars/README.md"), as: UTF8.self)
    for words in [
      "# bars\n", "`nade` direct=off hidden=8 units=sigmoid whiten=off", "stored as float16",
      "bars: 49 images of `normal`",
      "**\(String(format: "%.2f", published)) ± ", "40 images of `held-out`",
      "--model nade --set hidden=8 --binarize threshold", "scanline sample zoo/bars",
    ] { #expect(card.contains(words), "\(words) is not in:\n\(card)") }

    for words in [
      ["sample", "zoo/bars", "--out", "new"], ["verify", "zoo/bars"], ["info", "zoo/bars"],
    ] {
      let outcome = try place.scanline(words)
      #expect(outcome.status == 0, "\(words): \(outcome.error)")
    }
    // Nobody trains on from weights that have been rounded.
    try place.scanline("train", "normal", "--run", "zoo/bars", "--resume").expectFailure(
      naming: ["zoo/bars/checkpoint.safetensors"])
    try place.scanline("export", "run", "--out", "zoo/bars", "--test", "held-out").expectFailure(
      naming: ["zoo/bars", "a new or empty folder"])
    // As float32 nothing is rounded.
    let whole = try place.scanline(
      "export", "run", "--out", "whole", "--test", "held-out", "--weights", "float32", "--json")
    #expect(try whole.object()["nats_per_image"] as? Double == nats(of: "run"))
  }

  @Test("the command of the card trains the same weights")
  func command() throws {
    #expect(
      try place.scanline("export", "run", "--out", "copy", "--test", "held-out").status == 0)
    let card = String(decoding: try place.contents("copy/README.md"), as: UTF8.self)
    let line = try #require(card.split(separator: "\n").first { $0.hasPrefix("scanline train ") })
    let words = line.split(separator: " ").dropFirst().map(String.init) + ["--threads", "1"]
    #expect(try place.scanline(words).status == 0)
    #expect(
      try place.contents("runs/new/weights.safetensors")
        == place.contents("run/weights.safetensors"))
  }

  @Test("with a run beside it, the figures of the mean of both are told as well")
  func withAnother() throws {
    for words in [
      ["train", "normal", "--run", "other", "--from", "run", "--epochs", "2"],
      ["export", "other", "--out", "runs/other", "--test", "held-out"],
      ["export", "run", "--out", "runs/bars", "--test", "held-out", "--also", "runs/other"],
    ] {
      let outcome = try place.scanline(words)
      #expect(outcome.status == 0, "\(words): \(outcome.error)")
    }
    // Nor does it say on which machine it found the weights that it started from.
    let configuration = String(
      decoding: try place.contents("runs/other/config.json"), as: UTF8.self)
    #expect(configuration.contains("\"start\"") && !configuration.contains(place.path))
    let started = String(decoding: try place.contents("runs/other/README.md"), as: UTF8.self)
    #expect(
      started.contains(", from the weights of `") && started.contains("/run` |"), "\(started)")
    let together = try place.scanline(
      "evaluate", "runs/bars", "held-out", "--also", "runs/other", "--json")
    let nats = try #require(try together.object()["nats_per_image"] as? Double)
    let published = try #require(
      try JSONSerialization.jsonObject(with: Data(place.contents("runs/bars/results.json")))
        as? [[String: Any]])
    #expect(published.count == 2)
    #expect(published[0]["also"] == nil && published[1]["also"] as? [String] == ["other"])
    #expect(try published[0]["nats_per_image"] as? Double == self.nats(of: "runs/bars"))
    #expect(published[1]["nats_per_image"] as? Double == nats)
    let card = String(decoding: try place.contents("runs/bars/README.md"), as: UTF8.self)
    #expect(card.contains("evaluate runs/bars held-out --also runs/other\n"), "\(card)")
    #expect(card.contains("and over `other`"), "\(card)")
    let found = try results(".")
    #expect(found.status == 0, "\(found.text)")
    #expect(found.text.contains("with other | \(String(format: "%.2f", nats)) "), "\(found.text)")
  }

  @Test("what cannot be exported leaves no folder")
  func refusals() throws {
    try place.scanline("export", "nothing", "--out", "copy", "--test", "held-out")
      .expectFailure(naming: ["nothing"])
    try place.scanline("export", "run", "--out", "copy", "--test", "nowhere")
      .expectFailure(naming: ["nowhere"])
    try place.scanline("export", "run", "--out", "copy", "--test", "held-out", "--orders", "2")
      .expectFailure(naming: ["--orders: expected at most 1"], status: 64)
    #expect(!place.exists("copy"))
  }

  @Test("published figures are found again, and others are said to be others")
  func results() throws {
    #expect(
      try place.scanline("export", "run", "--out", "runs/bars", "--test", "held-out").status == 0)
    let found = try results(".")
    #expect(found.status == 0 && found.text.contains("| as published |"), "\(found.text)")
    let missing = try results("elsewhere")
    #expect(missing.status == 0)
    #expect(missing.text.contains("not evaluated: held-out is not in elsewhere"), "\(missing.text)")
    // A figure that is a hundredth higher.
    var json = String(decoding: try place.contents("runs/bars/results.json"), as: UTF8.self)
    let line = try #require(json.split(separator: "\n").first { $0.contains("nats_per_image") })
    let digits = line.split(separator: ":").last.map {
      String($0.filter { $0 != "," && $0 != " " })
    }
    let number = try #require(Double(digits ?? ""))
    json = json.replacingOccurrences(of: digits ?? "", with: "\(number + 0.011)")
    place.write(Data(json.utf8), to: "runs/bars/results.json")
    let other = try results(".")
    #expect(other.status == 1 && other.text.contains("FOUND "), "\(other.text)")
    #expect(other.text.contains("other figures than were published: bars"))
  }
}
