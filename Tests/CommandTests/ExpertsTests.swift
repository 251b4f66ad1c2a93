import Foundation
import Images
import Randomness
import TestSupport
import Testing

/// Images larger than a model is, from a folder to the outlines of what does not belong.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct ExpertsTests {
  let place = Workplace()

  /// Woven stripes with a little noise, of one size or several; odd ones have a patch of noise.
  private func makeParts(_ folder: String, _ count: Int, odd: Bool = false, vary: Bool = false)
    throws
  {
    place.folder.makeFolder(folder)
    for index in 0..<count {
      var random = RandomStream(seed: 1, folder, index)
      let (w, h) = vary ? (80 + 3 * index, 90 - index) : (88, 80)
      let (dx, dy) = (random.integer(below: 8), random.integer(below: 8))
      let pixels = (0..<w * h).map { i -> UInt8 in
        let (x, y) = (i % w, i / w)
        let isOdd = odd && (40..<58).contains(x) && (30..<48).contains(y)
        if isOdd { return UInt8(random.integer(below: 256)) }
        let isBright = ((x + dx) / 4 + (y + dy) / 4) % 2 == 0
        return UInt8((isBright ? 170 : 60) + random.integer(below: 12))
      }
      try Image(height: h, width: w, channels: 1, pixels: pixels)
        .writePNG(to: place.file("\(folder)/\(index).png"))
    }
  }

  private func train(_ run: String, _ more: String...) throws -> Outcome {
    try place.scanline(
      ["train", "parts", "--run", run, "--threads", "1", "--quiet", "--json"] + more)
  }

  @Test("groups that are asked for stay on one side of both experts")
  func groups() throws {
    for folder in ["a", "b", "c", "d"] {
      place.folder.makeFolder("parts/\(folder)")
      for index in 0..<20 {
        // Squares of their own greys: no two are alike.
        var random = RandomStream(seed: 2, folder, index)
        let greys = (0..<80).map { _ in UInt8(random.integer(below: 256)) }
        let pixels = (0..<100 * 80).map { (i: Int) -> UInt8 in
          let (row, column) = (i / 1000, i % 100 / 10)
          return greys[row * 10 + column]
        }
        try Image(height: 80, width: 100, channels: 1, pixels: pixels)
          .writePNG(to: place.file("parts/\(folder)/\(index).png"))
      }
    }
    let more = ["--epochs", "1", "--group-by", "folder"]
    #expect(try train("run", more[0], more[1], more[2], more[3]).status == 0)
    struct Experts: Decodable {
      struct Held: Decodable { let name: String }
      let held: [Held]
    }
    let experts = try JSONDecoder().decode(
      Experts.self, from: try place.contents("run/experts.json"))
    let held = Dictionary(grouping: experts.held.map(\.name)) { $0.prefix { $0 != "/" } }
    #expect(held.values.allSatisfy { $0.count == 20 } && (1...3).contains(held.count))
    let info = try place.scanline("info", "run", "--json").object()
    let data = try #require(info["data"] as? [String: Any])
    let aside = try #require(data["held_out"] as? [String: Any])
    #expect(aside["group_by"] as? String == "folder")
    #expect(aside["images"] as? Int == experts.held.count)
    try train("no", "--hold-out", "0").expectFailure(naming: ["--hold-out", "at least 1"])
  }

  @Test("a folder of parts, to what does not belong and where")
  func endToEnd() throws {
    try makeParts("parts", 48)
    try makeParts("incoming/good", 6)
    try makeParts("sizes", 3, vary: true)
    try makeParts("incoming/odd", 4, odd: true)
    let chosen = try place.scanline(
      "train", "parts", "--run", "run", "--threads", "1", "--epochs", "1")
    #expect(chosen.status == 0, "\(chosen.error)")
    for word in ["64x64", "crops", "scale 1", "--size"] { #expect(chosen.error.contains(word)) }
    #expect(try place.names(in: "run").contains("experts.json"))
    let object = try place.scanline(
      "flag", "run", "incoming", "--out", "out", "--false-alarm-rate", "0.05", "--json", "--quiet"
    ).object()
    #expect(object["images"] as? Int == 10)
    let lines = String(decoding: try place.contents("out/scores.jsonl"), as: UTF8.self)
      .split(separator: "\n")
    let rows = try lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    for row in rows where (row["path"] as? String)?.hasPrefix("odd") == true {
      #expect(row["flagged"] as? Bool == true)
      let regions = try #require(row["regions"] as? [[String: Any]])
      let parts = try #require(row["parts"] as? [[String: Any]])
      let shares = parts.compactMap { $0["share"] as? Double }
      #expect(abs(shares.reduce(0, +) - 1) < 0.002 && shares == shares.sorted(by: >))
      let p = try #require(regions.first?["p_value"] as? Double)
      #expect(p > 0 && p <= 0.1)
      let (x, y) = (
        try #require(regions.first?["peak_x"] as? Int),
        try #require(regions.first?["peak_y"] as? Int)
      )
      #expect((36...62).contains(x) && (26...52).contains(y), "\(x) \(y)")
    }
    let picture = try Image.decode(contentsOf: place.file("out/heatmaps/odd/0.png.png"))
    #expect(picture.height == 2 * 80 + 30 && picture.width == 3 * 2 * 88 + 2 * 4)
    #expect(place.exists("out/report.html") && place.exists("out/contact-sheet.png"))

    try expectShards()

    let other = try place.scanline(
      "score", "run", "sizes", "--out", "s.csv", "--heatmaps", "maps", "--quiet")
    #expect(other.status == 0, "\(other.error)")
    #expect(try Image.decode(contentsOf: place.file("maps/2.png.png")).height == 2 * 88 + 30)

    // Outlines are met by the map.
    place.folder.makeFolder("boxes")
    for index in 0..<4 { place.write(Data("40 30 57 47 patch\n".utf8), to: "boxes/\(index).txt") }
    let compared = try place.scanline(
      "compare", "run", "--in", "incoming/good", "--out-of", "incoming/odd", "--boxes", "boxes",
      "--json", "--quiet"
    ).object()
    let pairs = try #require(compared["pairs"] as? [[String: Any]])
    let verdict = try #require(pairs.first { $0["score"] as? String == "verdict" })
    #expect(try #require(verdict["auroc"] as? Double) >= 0.9)
    let map = try #require((compared["maps"] as? [[String: Any]])?.last)
    #expect(try #require(map["pixel_auroc"] as? Double) > 0.9)
    #expect(map["peak_in_box"] as? Double == 1)

    // What a run of both experts does not do is one line.
    try place.scanline("calibrate", "run", "parts").expectFailure(naming: ["run", "experts"])
    try place.scanline("flag", "run", "incoming", "--out", "o", "--false-alarm-rate", "0.001")
      .expectFailure(naming: ["0.001", "999"])
    #expect(try place.scanline("evaluate", "run", "incoming", "--json").object()["images"] != nil)
    place.write(Data("{}".utf8), to: "run/experts.json")
    try place.scanline("score", "run", "incoming", "--out", "s.csv")
      .expectFailure(naming: ["run/experts.json"])
  }

  /// Shards, merged, are one call, heat maps and all; and one that was killed is gone on with.
  private func expectShards() throws {
    let flag = ["flag", "run", "incoming", "--quiet"]
    #expect(try place.scanline(flag + ["--out", "whole"]).status == 0)
    for index in 1...3 {
      let words = flag + ["--out", "part\(index)", "--shard", "\(index)/3"]
      #expect(try place.scanline(words).status == 0)
    }
    // Half of a journal, as a kill leaves it.
    let journal = try place.contents("part2/shard.journal")
    place.write(journal.dropLast(9), to: "part2/shard.journal")
    try place.scanline("merge", "part3", "part1", "part2", "--out", "merged")
      .expectFailure(naming: ["part2", "--resume"])
    let words = flag + ["--out", "part2", "--shard", "2/3", "--resume"]
    #expect(try place.scanline(words).status == 0)
    #expect(try place.contents("part2/shard.journal") == journal)
    #expect(try place.scanline("merge", "part3", "part1", "part2", "--out", "merged").status == 0)
    let names = try #require(FileManager.default.subpaths(atPath: place.file("whole")))
      .filter { $0.contains(".") && !$0.hasPrefix(".") }.sorted()
    #expect(names.count >= 8)
    for name in names {
      #expect(try place.contents("merged/\(name)") == place.contents("whole/\(name)"), "\(name)")
    }
    try place.scanline("score", "run", "incoming", "--out", "s.csv", "--npy", "s.npy")
      .expectFailure(naming: ["--npy"], status: 64)
  }

  @Test("a training of crops that was stopped reaches the same run, file by file")
  func resumed() throws {
    try makeParts("parts", 12, vary: true)
    let flags = ["--crop", "24x20", "--scale", "0.5", "--batch", "50", "--epochs", "2"]
    #expect(try place.scanline(Self.words("whole") + flags).status == 0)
    // A checkpoint after every step, so that a kill leaves one from the middle of an epoch.
    let running = try place.start(
      Self.words("stopped") + flags + ["--checkpoint-every", "0"])
    while running.process.isRunning, !place.exists("stopped/checkpoint.safetensors") {
      usleep(2_000)
    }
    kill(running.process.processIdentifier, SIGKILL)
    _ = try running.outcome()
    let resumed = try place.scanline(Self.words("stopped") + ["--resume"])
    #expect(resumed.status == 0, "\(resumed.error)")
    for file in ["weights.safetensors", "experts.json", "global-0.safetensors"] {
      #expect(try place.contents("whole/\(file)") == place.contents("stopped/\(file)"), "\(file)")
    }
    try place.scanline(Self.words("stopped") + ["--resume", "--crop", "16x16"])
      .expectFailure(naming: ["--crop", "24x20"])
  }

  private static func words(_ run: String) -> [String] {
    ["train", "parts", "--run", run, "--threads", "1", "--quiet"]
  }

  @Test("what cannot be cropped, or not both ways, is said")
  func refusals() throws {
    try makeParts("parts", 3)
    try place.scanline("train", "parts", "--run", "r", "--crop", "64x64", "--scale", "0.5")
      .expectFailure(naming: ["0.png", "64x64", "44x40", "--crop"])
    for (words, named) in [
      (["--crop", "8x8", "--size", "8x8"], "--size"), (["--scale", "2"], "--scale"),
      (["--crop", "8x8", "--binarize", "stochastic"], "stochastic"),
      (["--crop", "8x8", "--channels", "rgb"], "gray"),
      (["--crop", "8x8", "--classes"], "--classes"),
    ] {
      try place.scanline(["train", "parts", "--run", "r"] + words)
        .expectFailure(naming: [named], status: 64)
    }
    #expect(!place.exists("r"))
    // Another model on crops is one model.
    #expect(
      try place.scanline(
        "train", "parts", "--run", "one", "--crop", "6x6", "--model", "fvsbn", "--epochs", "1",
        "--levels", "2", "--quiet"
      ).status == 0)
    #expect(!place.exists("one/experts.json"))
  }
}
