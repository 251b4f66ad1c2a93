import Foundation
import Images
import TestSupport
import Testing

/// Images that a run was trained or validated on are known by content.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct HeldOutTests {
  let place: Workplace

  init() throws { place = try Workplace.trained() }

  /// Copies so many images of one folder to another under other names.
  private func copy(_ count: Int, from: String, to: String) throws {
    for name in try place.names(in: from).prefix(count) {
      try place.write(place.contents("\(from)/\(name)"), to: "\(to)/\(from)-\(name)")
    }
  }

  @Test("a copy of the training images, or a mix with them, calibrates nothing")
  func refused() throws {
    try copy(60, from: "normal", to: "whole")
    try copy(20, from: "normal", to: "mix")
    try copy(20, from: "held-out", to: "mix")
    for data in ["normal", "whole", "mix"] {
      try place.scanline("calibrate", "run", data, "--quiet")
        .expectFailure(naming: [data, "trained on", ".png"])
      try place.scanline("flag", "run", "mixed", "--out", "out", "--calibration", data, "--quiet")
        .expectFailure(naming: [data, "trained on"])
    }
    #expect(!place.exists("run/calibration.json") && !place.exists("out"))
  }

  @Test("other images are held out, and known to be")
  func heldOut() throws {
    let outcome = try place.scanline("calibrate", "run", "held-out", "--json")
    #expect(try outcome.object()["held_out"] as? Bool == true)
    #expect(outcome.error.contains("none of its images was trained or validated on"))
    #expect(try place.scanline("calibrate", "run", "held-out").out.contains("40 held-out images"))
    let flagged = try place.scanline("flag", "run", "mixed", "--out", "out")
    #expect(flagged.status == 0)
    let report = String(decoding: try place.contents("out/report.html"), as: UTF8.self)
    #expect(report.contains("40 held-out normal images"))
  }

  @Test("a few trained or validated on are told of")
  func warned() throws {
    try copy(40, from: "held-out", to: "few")
    // A tenth of these were validated on.
    try copy(2, from: "normal", to: "few")
    let outcome = try place.scanline("calibrate", "run", "few", "--json")
    #expect(try outcome.object()["held_out"] as? Bool == false)
    #expect(outcome.error.contains("warning: few: the run was trained on"), "\(outcome.error)")
    let text = try place.scanline("calibrate", "run", "few")
    #expect(text.out.contains("42 images") && !text.out.contains("held-out"))
    let compared = try place.scanline(
      "compare", "run", "--in", "normal", "--out-of", "mixed/bad", "--quiet")
    #expect(compared.status == 0 && compared.error.contains("trained on"))
  }

  @Test("a run of an earlier version knows none, and says so")
  func unknown() throws {
    try FileManager.default.removeItem(atPath: place.file("run/seen.bin"))
    let outcome = try place.scanline("calibrate", "run", "normal", "--json")
    let object = try outcome.object()
    #expect(object["images"] as? Int == 60 && object["held_out"] == nil)
    #expect(outcome.error.contains("not known"))
    // Going on, it learns.
    #expect(
      try place.scanline("train", "normal", "--run", "new", "--model", "fvsbn", "--epochs", "1")
        .status == 0)
    #expect(try place.contents("new/seen.bin").count == 24 + 8 * 60)
  }

  @Test("fingerprints that are damaged are refused")
  func damaged() throws {
    let whole = try place.contents("run/seen.bin")
    for damaged in [
      Data(), whole.prefix(23), whole.dropLast(8), whole + [0],
      Data("elsewhat".utf8) + whole.dropFirst(8),
      whole.prefix(24) + whole.dropFirst(32) + whole[24..<32],
    ] {
      place.write(Data(damaged), to: "run/seen.bin")
      try place.scanline("calibrate", "run", "held-out", "--quiet")
        .expectFailure(naming: ["run/seen.bin"])
    }
  }
}
