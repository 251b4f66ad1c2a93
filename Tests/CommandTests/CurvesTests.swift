import Foundation
import TestSupport
import Testing

/// `curves`, as a person types it.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct CurvesOfRuns {
  let place = Workplace()

  private func makeRun(_ name: String, side: Int, _ nats: [Double]) throws {
    try place.makeImages("normal", 20)
    let outcome = try place.scanline(
      "train", "normal", "--run", name, "--model", "fvsbn", "--binarize", "threshold", "--epochs",
      "1", "--hold-out", "0", "--size", "\(side)x\(side)", "--quiet")
    #expect(outcome.status == 0, "\(outcome.error)")
    let rows = nats.enumerated().map { i, value in
      """
      {"epoch":\(i + 1),"gradient_norm":1,"images_per_second":1,"learning_rate":1,"seconds":\
      \(60 * (i + 1)),"step":\(i + 1),"train_bits_per_dimension":1,"validation_nats_per_image":\(value)}
      """
    }
    place.write(Data((rows.joined(separator: "\n") + "\n").utf8), to: "\(name)/metrics.jsonl")
  }

  @Test("several runs, their bests and when they came to a target")
  func curves() throws {
    try makeRun("a", side: 10, [90, 50, 30.25, 31])
    try makeRun("b", side: 10, [95, 60, 55])
    let outcome = try place.scanline(
      "curves", "a", "b", "--out", "c.svg", "--target", "50", "--json")
    let object = try outcome.object()
    #expect(object["unit"] as? String == "nats an image")
    let runs = try #require(object["runs"] as? [[String: Any]])
    #expect(runs.map { $0["best"] as? Double } == [30.25, 55])
    #expect(runs[0]["reached"] as? Double == 2 && runs[1]["reached"] == nil)
    let svg = String(decoding: try place.contents("c.svg"), as: UTF8.self)
    for words in ["minutes of training", "nats an image", ">a: 30.25<", ">b: 55<", "chance"] {
      #expect(svg.contains(words), "\(words)")
    }
    // Its own drawing is replaced, another file is not.
    let text = try place.scanline(
      "curves", "a", "--out", "c.svg", "--by", "epochs", "--target", "20")
    #expect(text.out == "a: 30.25 nats an image, 20.0 not reached\nsee c.svg\n", "\(text.error)")
    place.write(Data("mine".utf8), to: "d.svg")
    try place.scanline("curves", "a", "--out", "d.svg").expectFailure(naming: ["d.svg"])
    // Images of other sizes are compared by the sub-pixel.
    try makeRun("small", side: 5, [10, 5])
    #expect(
      try place.scanline("curves", "a", "small", "--out", "e.svg").out.contains(
        "small: 0.2885 bits per dimension\n"))
    place.write(Data(), to: "small/metrics.jsonl")
    try place.scanline("curves", "small", "--out", "f.svg").expectFailure(
      naming: ["small/metrics.jsonl: expected validations"])
    try place.scanline("curves", "nothing", "--out", "f.svg").expectFailure(naming: ["nothing"])
  }
}
