import Foundation
import TestSupport
import Testing

/// From one folder of normal images to a verdict on another, with no third.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct VerdictTests {
  let place = Workplace()
  private let strokes = URL(fileURLWithPath: #filePath)
    .appendingPathComponent("../../../datasets/strokes").standardized.path

  private func train(_ run: String, _ more: String...) throws -> Outcome {
    try place.scanline(
      [
        "train", "\(strokes)/digits", "--run", run, "--model", "nade", "--set", "hidden=16",
        "--binarize", "threshold", "--threads", "1", "--batch", "64", "--learning-rate", "0.01",
      ] + more)
  }

  private func column(_ name: String, of file: String) throws -> [String] {
    let lines = String(decoding: try place.contents(file), as: UTF8.self).split(separator: "\n")
    let rows = lines.map { $0.split(separator: ",").map(String.init) }
    let index = try #require(rows[0].firstIndex(of: name))
    return rows.dropFirst().map { $0[index] }
  }

  @Test("train, then flag: the bundled strokes")
  func strokesAreFound() throws {
    let trained = try train("run", "--epochs", "6", "--json").object()
    #expect(trained["held_out_images"] as? Int == 250)
    // What it tells apart, before anyone trusts it with more.
    let controls = try #require(trained["controls"] as? [[String: Any]])
    let auroc = Dictionary(
      uniqueKeysWithValues: controls.map { ($0["name"] as! String, $0["auroc"] as! Double) })
    for name in ["constant", "noise", "shuffled pixels"] {
      #expect(try #require(auroc[name]) > 0.99, "\(name)")
    }
    // These strokes are black and white: what is a little brighter or rougher is the same.
    #expect(auroc["brighter"] == nil && auroc["mirrored"] != nil)
    let info = try place.scanline("info", "run", "--json").object()
    #expect((info["calibration"] as? [String: Any])?["images"] as? Int == 250)
    // None of those set aside was trained or validated on.
    let data = try #require(info["data"] as? [String: Any])
    #expect(
      (data["training_images"] as? Int ?? 0) + (data["validation_images"] as? Int ?? 0)
        == 2400 - 250)

    let outcome = try place.scanline(
      "flag", "run", "\(strokes)/mixed", "--out", "out", "--heatmaps", "none", "--json")
    let object = try outcome.object()
    #expect(object["calibration_images"] as? Int == 250)
    let rows = zip(
      try column("path", of: "out/scores.csv"), try column("flagged", of: "out/scores.csv"))
    let found = Dictionary(grouping: rows) { String($0.0.prefix { $0 != "/" }) }
      .mapValues { rows in Double(rows.count { $0.1 == "true" }) / Double(rows.count) }
    // 400 normal digits at 5 %, ranked among 250: three standard errors are 5 points.
    #expect(try #require(found["normal"]) < 0.1)
    for odd in ["letters", "doodles", "defects"] {
      let share = try #require(found[odd])
      #expect(share > 0.8, "\(odd): \(share)")
    }
    let page = String(decoding: try place.contents("out/report.html"), as: UTF8.self)
    #expect(
      page.contains("250 held-out normal images") && page.contains("Its parts say which scores"))
    let lines = String(decoding: try place.contents("out/scores.jsonl"), as: UTF8.self)
      .split(separator: "\n")
    #expect(lines.allSatisfy { $0.contains(#""parts":[{"score":""#) })

    // Of the flagged, rather than of the normal, a share.
    let discovered = try place.scanline(
      "flag", "run", "\(strokes)/mixed", "--out", "fdr", "--false-discovery-rate", "0.1",
      "--heatmaps", "none", "--json"
    ).object()
    #expect(discovered["false_discovery_rate"] as? Double == 0.1)
    #expect((250..<360).contains(try #require(discovered["flagged"] as? Int)))
    try place.scanline(
      "flag", "run", "\(strokes)/mixed", "--out", "no", "--false-alarm-rate", "0.001"
    )
    .expectFailure(naming: ["at least 999", "found 250"])

    // Another calibration takes its place.
    let calibrated = try place.scanline("calibrate", "run", "\(strokes)/held-out")
    #expect(calibrated.status == 0)
    #expect(calibrated.error.contains("told apart from normal images"))
    #expect(calibrated.error.contains("  noise           1.000  100 %"))
    let again = try place.scanline("info", "run", "--json").object()
    #expect((again["calibration"] as? [String: Any])?["images"] as? Int == 500)
  }

  @Test("a training that is stopped and goes on sets the same images aside")
  func resumed() throws {
    #expect(try train("whole", "--epochs", "3", "--quiet").status == 0)
    let running = try place.start([
      "train", "\(strokes)/digits", "--run", "run", "--model", "nade", "--set", "hidden=16",
      "--binarize", "threshold", "--threads", "1", "--batch", "64", "--learning-rate", "0.01",
      "--epochs", "3", "--checkpoint-every", "0",
    ])
    while !place.exists("run/checkpoint.safetensors"), running.process.isRunning { usleep(1000) }
    running.process.interrupt()
    let stopped = try running.outcome()
    if stopped.status == 130 {
      #expect(!place.exists("run/calibration.json"))
      #expect(
        try place.scanline(
          "train", "\(strokes)/digits", "--run", "run", "--resume", "--threads", "1"
        ).status == 0)
    }
    for name in ["weights.safetensors", "seen.bin", "gaussian.safetensors", "calibration.json"] {
      #expect(try place.contents("run/\(name)") == place.contents("whole/\(name)"), "\(name)")
    }
    try place.scanline(
      "train", "\(strokes)/digits", "--run", "run", "--resume", "--hold-out", "70"
    ).expectFailure(naming: ["--hold-out", "70"])
  }

  @Test("what is set aside can be chosen")
  func chosen() throws {
    try place.makeImages("parts/a", 90)
    try place.makeImages("parts/b", 90, seed: 1)
    try place.makeImages("parts/c", 90, seed: 2)
    func train(_ run: String, _ more: String...) throws -> Outcome {
      try place.scanline(
        ["train", "parts", "--run", run, "--model", "fvsbn", "--epochs", "1", "--json"] + more)
    }
    let none = try train("none", "--hold-out", "0")
    #expect(try none.object()["held_out_images"] as? Int == 0)
    #expect(!place.exists("none/calibration.json"))
    // A whole folder is set aside, or none of it.
    let grouped = try train("grouped", "--group-by", "folder", "--hold-out", "80")
    #expect(try grouped.object()["held_out_images"] as? Int == 90)
    #expect(
      grouped.error.contains("are of 1 group: groups differ") && !none.error.contains("group:"))
    let file = String(decoding: try place.contents("grouped/calibration.json"), as: UTF8.self)
    #expect(file.contains(#""groups":[0,0,0"#))
    try train("bad", "--group-by", "(").expectFailure(naming: ["--group-by", "("], status: 64)
    // Too few to spare any.
    let few = try place.scanline(
      "train", "parts/a", "--run", "few", "--model", "fvsbn", "--epochs", "1")
    #expect(few.status == 0 && few.error.contains("scanline calibrate"))
    try place.scanline("flag", "few", "parts/b", "--out", "out")
      .expectFailure(naming: ["scanline calibrate"])
  }
}
