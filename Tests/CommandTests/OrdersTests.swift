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
}
