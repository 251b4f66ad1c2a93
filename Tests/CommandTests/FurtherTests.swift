import Foundation
import TestSupport
import Testing

/// Scores that take passes of their own, by the command.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct FurtherTests {
  @Test("asked for, they are columns, compared and judged by")
  func askedFor() throws {
    let place = try Workplace.trained()
    let other = try place.scanline(
      "train", "normal", "--run", "other", "--model", "fvsbn", "--binarize", "threshold",
      "--epochs", "2", "--quiet")
    #expect(other.status == 0)
    func header(_ file: String) throws -> [String] {
      String(decoding: try place.contents(file), as: UTF8.self).prefix { $0 != "\n" }
        .split(separator: ",").map(String.init)
    }
    #expect(try place.scanline("score", "run", "mixed", "--out", "plain.csv").status == 0)
    let scored = try place.scanline(
      "score", "run", "mixed", "--out", "s.csv", "--with", "stirring", "--with", "gradient",
      "--against", "other")
    #expect(scored.status == 0, "\(scored.error)")
    let further = ["stirring", "gradient", "ratio"]
    #expect(try header("s.csv").filter(further.contains) == further)
    #expect(try header("plain.csv").filter(further.contains).isEmpty)

    // Judged by one, the normal images have to have it as well.
    try place.scanline(
      "flag", "run", "mixed", "--out", "no", "--score", "stirring", "--calibration", "normal"
    )
    .expectFailure(naming: ["trained on"])
    let flagged = try place.scanline(
      "flag", "run", "mixed", "--out", "out", "--score", "shaking", "--calibration", "held-out",
      "--heatmaps", "none", "--json"
    ).object()
    #expect(flagged["images"] as? Int == 25)
    let calibrated = try place.scanline(
      "calibrate", "run", "held-out", "--against", "other", "--quiet")
    #expect(calibrated.status == 0)
    let judged = try place.scanline(
      "flag", "run", "mixed", "--out", "out", "--score", "ratio", "--against", "other",
      "--heatmaps", "none", "--json"
    ).object()
    #expect(judged["images"] as? Int == 25)
    try place.scanline("flag", "run", "mixed", "--out", "out", "--score", "stirring")
      .expectFailure(naming: ["no score stirring"])
    try place.scanline("score", "run", "mixed", "--out", "t.csv", "--against", "run")
      .expectFailure(naming: ["calibration.json", "others"])

    let compared = try place.scanline(
      "compare", "run", "--in", "mixed/good", "--out-of", "mixed/bad", "--with", "shaking",
      "--json"
    ).object()
    let pairs = try #require(compared["pairs"] as? [[String: Any]])
    #expect(pairs.contains { $0["score"] as? String == "shaking" })

    for (words, names) in [
      (["--with", "cleverness"], ["--with", "stirring", "cleverness"]),
      (["--with", "ratio"], ["--with ratio", "--against"]),
    ] {
      try place.scanline(["score", "run", "mixed", "--out", "t.csv"] + words)
        .expectFailure(naming: names, status: 64)
    }
  }

  @Test("where small images surprise is told in the lines")
  func regions() throws {
    let place = try Workplace.trained()
    #expect(try place.scanline("calibrate", "run", "held-out", "--quiet").status == 0)
    let outcome = try place.scanline(
      "flag", "run", "mixed", "--out", "out", "--heatmaps", "none", "--quiet")
    #expect(outcome.status == 0)
    let lines = String(decoding: try place.contents("out/scores.jsonl"), as: UTF8.self)
      .split(separator: "\n")
    var found = 0
    for line in lines {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let regions = try #require(object["regions"] as? [[String: Any]])
      for region in regions {
        func number(_ name: String) throws -> Int { try #require(region[name] as? Int) }
        let (x, y) = try (number("x"), number("y"))
        #expect(try x >= 0 && y >= 0 && x + number("width") <= 10 && y + number("height") <= 10)
        #expect(try number("width") >= 3 && number("height") >= 3)
        let p = try #require(region["p_value"] as? Double)
        #expect(p > 0 && p <= 0.1)
      }
      let isNoise = (object["path"] as? String)?.hasPrefix("bad/") == true
      if isNoise && !regions.isEmpty { found += 1 }
    }
    // Noise surprises somewhere more than a bar does.
    #expect(found >= 4)
  }
}
