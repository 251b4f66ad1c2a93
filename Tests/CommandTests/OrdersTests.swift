import Foundation
import TestSupport
import Testing

/// `--orders` from training to the likelihood, as a person types it.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct Orders {
  let place = Workplace()

  @Test("a run of several orders is evaluated, scored, drawn and verified in them")
  func several() throws {
    try place.makeImages("normal", 40)
    let trained = try place.scanline(
      "train", "normal", "--run", "run", "--model", "nade", "--set", "hidden=8", "--binarize",
      "threshold", "--epochs", "2", "--hold-out", "0", "--orders", "4", "--quiet")
    #expect(trained.status == 0, "\(trained.error)")
    #expect(try place.scanline("info", "run").out.contains(", 4 orders\n"))

    func nats(_ words: String...) throws -> Double {
      let outcome = try place.scanline(["evaluate", "run", "normal", "--json"] + words)
      return try #require(try outcome.object()["nats_per_image"] as? Double)
    }
    let (one, four) = (try nats(), try nats("--orders", "4"))
    #expect(try nats("--orders", "1") == one && four != one)
    // The mean of four is at least a quarter of the one.
    #expect(four < one + log(4))

    func meanOfTable(_ words: String...) throws -> Double {
      let outcome = try place.scanline(
        ["score", "run", "normal", "--out", "s.csv", "--quiet"] + words)
      #expect(outcome.status == 0, "\(outcome.error)")
      let lines = String(decoding: try place.contents("s.csv"), as: UTF8.self)
        .split(separator: "\n").dropFirst()
      let values = lines.map { Double($0.split(separator: ",")[1])! }
      return values.reduce(0, +) / Double(values.count)
    }
    #expect(abs(try meanOfTable("--orders", "4") - four) < 1e-3)
    #expect(abs(try meanOfTable() - one) < 1e-3)

    #expect(try place.scanline("sample", "run", "--out", "new", "--order", "4").status == 0)
    let verified = try place.scanline("verify", "run")
    #expect(verified.status == 0 && verified.out.contains("over 4 orders: "), "\(verified.out)")

    // More than it has learned.
    try place.scanline("evaluate", "run", "normal", "--orders", "5").expectFailure(
      naming: ["--orders: expected at most 4, in which run was trained, found 5"], status: 64)
    try place.scanline("score", "run", "normal", "--out", "t.csv", "--orders", "8")
      .expectFailure(naming: ["--orders: expected at most 4"], status: 64)
    try place.scanline("sample", "run", "--out", "new", "--order", "5").expectFailure(
      naming: ["--order: expected at most 4"], status: 64)
  }

  @Test("the probability of an image is averaged over further runs")
  func furtherRuns() throws {
    try place.makeImages("normal", 40)
    for (name, words) in [
      ("one", ["--orders", "2"]), ("two", ["--seed", "7"]), ("grey", []),
    ] {
      let trained = try place.scanline(
        [
          "train", "normal", "--run", name, "--model", "nade", "--set", "hidden=8", "--epochs", "2",
          "--hold-out", "0", "--quiet",
        ] + (name == "grey" ? ["--levels", "4"] : ["--binarize", "threshold"] + words))
      #expect(trained.status == 0, "\(trained.error)")
    }
    func evaluated(_ words: String...) throws -> [String: Any] {
      let outcome = try place.scanline(["evaluate", "one", "normal", "--json"] + words)
      #expect(outcome.status == 0, "\(outcome.error)")
      return try outcome.object()
    }
    func nats(_ words: String...) throws -> Double {
      let outcome = try place.scanline(["evaluate"] + words + ["normal", "--json"])
      return try #require(try outcome.object()["nats_per_image"] as? Double)
    }
    let (one, two) = (try nats("one"), try nats("two"))
    let both = try evaluated("--also", "two")
    #expect(both["runs"] as? Int == 2 && both["orders"] as? Int == 1)
    let mean = try #require(both["nats_per_image"] as? Double)
    // A mean of two is at least half of each, and its logarithm no less than that of both in the mean.
    #expect(mean < min(one, two) + log(2) && mean < (one + two) / 2)
    // With itself it is itself; over as many of the orders as each run knows.
    #expect(
      abs(try #require(try evaluated("--also", "one")["nats_per_image"] as? Double) - one) < 1e-9)
    let ordered = try evaluated("--also", "two", "--orders", "2")
    #expect(ordered["nats_per_image"] as? Double != mean)
    let words = try place.scanline("evaluate", "one", "normal", "--also", "two", "--orders", "2")
    #expect(words.out.hasPrefix("40 images over 2 orders, 2 runs: "), "\(words.out)")

    try place.scanline("evaluate", "one", "normal", "--also", "grey").expectFailure(
      naming: ["grey: expected a run of", "as one is"])
    try place.scanline("evaluate", "one", "normal", "--also", "two", "--orders", "3").expectFailure(
      naming: ["--orders: expected at most 2"], status: 64)
    try place.scanline("evaluate", "one", "normal", "--also", "two", "--classes").expectFailure(
      naming: ["--also: expected no further run with --classes"], status: 64)
    try place.scanline("evaluate", "one", "normal", "--also", "nowhere").expectFailure(
      naming: ["nowhere"])
  }
}
