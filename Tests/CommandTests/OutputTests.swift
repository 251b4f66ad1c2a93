import Foundation
import Images
import TestSupport
import Testing

/// Where outputs may go, and what becomes of them when their place is read as images.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct OutputTests {
  let place: Workplace

  init() throws { place = try Workplace.trained() }

  private func images(_ arguments: String...) throws -> Int? {
    try place.scanline(arguments + ["--json", "--strict"]).object()["images"] as? Int
  }

  @Test("a run and outputs inside DATA are no images of it, in any verb")
  func insideData() throws {
    try place.makeImages("photos", 24)
    let train = [
      "train", "photos", "--run", "photos/run", "--model", "fvsbn", "--binarize", "threshold",
      "--epochs", "1", "--strict", "--json",
    ]
    #expect(try place.scanline(train).object()["unreadable"] as? Int == 0)
    // A longer training draws this itself.
    try place.write(place.contents("photos/00.png"), to: "photos/run/samples/epoch-001.png")
    let resumed = try place.scanline(train + ["--resume"])
    #expect(resumed.status == 0 && resumed.error.contains("photos/run"), "\(resumed.error)")

    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    #expect(try place.scanline("sample", "run", "--out", "photos/new").status == 0)
    let sampled = try place.scanline("sample", "run", "--out", "photos/new", "--count", "20")
    #expect(sampled.status == 0, "\(sampled.error)")
    for _ in 0..<2 {
      #expect(try images("flag", "run", "photos", "--out", "photos/flagged") == 24)
      #expect(
        try images(
          "score", "run", "photos", "--out", "s.csv", "--heatmaps", "photos/maps") == 24)
    }
    #expect(try images("evaluate", "run", "photos") == 24)
    #expect(try images("calibrate", "run", "photos") == 24)
    let compared = try place.scanline(
      "compare", "run", "--in", "photos", "--out-of", "mixed/bad", "--strict", "--json")
    #expect(try compared.object()["unreadable"] as? Int == 0)
    // Named itself, an output is data.
    #expect(try images("evaluate", "run", "photos/new") == 21)
    try place.scanline("evaluate", "run", "photos/run").expectFailure(naming: [
      "photos/run", "a run",
    ])
  }

  @Test("outputs beside other files are left out by name, and replaced without asking")
  func amongOthers() throws {
    try place.makeImages("photos", 24)
    try place.scanline(
      "flag", "run", "photos", "--out", "photos", "--calibration", "held-out", "--quiet"
    )
    .expectFailure(naming: ["photos", "another folder"])
    try place.makeImages("photos/holiday", 3)
    for _ in 0..<2 {
      #expect(
        try images(
          "flag", "run", "photos", "--out", "photos/holiday", "--calibration", "held-out",
          "--false-alarm-rate", "0.5") == 27)
      #expect(
        try place.scanline("sample", "run", "--out", "photos/holiday", "--count", "2").status == 0)
    }
    #expect(try images("evaluate", "run", "photos") == 27)
    #expect(try images("evaluate", "run", "photos/holiday") == 3)
  }

  @Test("files of a run are no outputs, whatever is asked for")
  func filesOfARun() throws {
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    place.write(Data("mine".utf8), to: "run/samples/mine.png")
    let before = try place.names(in: "run").filter { $0 != "events" && $0 != "samples" }.map {
      try place.contents("run/\($0)")
    }
    place.folder.link("link.csv", to: "run/config.json")
    for out in [
      "run/config.json", "run/weights.safetensors", "run/calibration.json", "link.csv",
      "run/samples/mine.png",
    ] {
      try place.scanline("score", "run", "mixed", "--out", out, "--overwrite", "--quiet")
        .expectFailure(naming: [out, "a run's"])
    }
    for out in ["run", "run/samples", "run/events/"] {
      for arguments in [
        ["sample", "run"], ["flag", "run", "mixed", "--calibration", "held-out"],
        ["score", "run", "mixed", "--out", "s.csv", "--heatmaps", out],
      ] {
        let out = arguments[0] == "score" ? [] : ["--out", out]
        try place.scanline(arguments + out + ["--overwrite", "--quiet"])
          .expectFailure(naming: ["run", "a run's"])
      }
    }
    let after = try place.names(in: "run").filter { $0 != "events" && $0 != "samples" }.map {
      try place.contents("run/\($0)")
    }
    #expect(before == after)
    // Something new in a run is no file of it.
    #expect(try place.scanline("score", "run", "mixed", "--out", "run/scores.csv").status == 0)
  }

  @Test("images that are read are no outputs, whatever is asked for")
  func inputs() throws {
    let photograph = try place.contents("mixed/good/00.png")
    place.write(photograph, to: "mixed/good/grid.png")
    place.write(photograph, to: "mixed/good/contact-sheet.png")
    place.folder.link("link.csv", to: "mixed/good/00.png")
    for out in ["mixed/good/00.png", "link.csv", "mixed/bad/../good/00.png"] {
      try place.scanline("score", "run", "mixed", "--out", out, "--overwrite", "--quiet")
        .expectFailure(naming: [out, "images to be read"])
    }
    try place.scanline(
      "score", "run", "mixed/good/00.png", "--out", "mixed/good/00.png", "--overwrite"
    ).expectFailure(naming: ["00.png", "images to be read"])
    for out in ["mixed/good", "mixed/../mixed"] {
      try place.scanline(
        "flag", "run", "mixed", "--out", out, "--calibration", "held-out", "--overwrite", "--quiet"
      ).expectFailure(naming: [out, "to be read"])
    }
    #expect(try place.contents("mixed/good/00.png") == photograph)
    #expect(try place.contents("mixed/good/contact-sheet.png") == photograph)
  }

  @Test("what scanline did not write is replaced only if asked for")
  func overwriting() throws {
    let mine = Data("mine".utf8)
    for name in ["a/0003.png", "b/grid.png", "c/scores.jsonl", "d/heatmaps/x", "s.csv"] {
      place.write(mine, to: name)
    }
    func expectRefused(_ file: String, _ arguments: String...) throws {
      try place.scanline(arguments + ["--quiet"]).expectFailure(naming: [file, "--overwrite"])
      #expect(try place.contents(file) == mine)
    }
    let flag = ["flag", "run", "mixed", "--calibration", "held-out", "--out"]
    try expectRefused("a/0003.png", "sample", "run", "--out", "a")
    try expectRefused("b/grid.png", "sample", "run", "--out", "b", "--count", "2")
    for (folder, file) in [("c", "c/scores.jsonl"), ("d", "d/heatmaps")] {
      try place.scanline(flag + [folder, "--quiet"]).expectFailure(naming: [file, "--overwrite"])
    }
    try expectRefused("s.csv", "score", "run", "mixed", "--out", "s.csv")
    // Refused before anything is written.
    #expect(try place.names(in: "a") == ["0003.png"] && place.names(in: "c") == ["scores.jsonl"])

    // Beside names that are not needed it writes, and later knows its own.
    for count in ["2", "1", "2"] {
      #expect(try place.scanline("sample", "run", "--out", "a", "--count", count).status == 0)
    }
    for arguments in [
      ["sample", "run", "--out", "a"], flag + ["c"], flag + ["d"],
      ["score", "run", "mixed", "--out", "s.csv"],
    ] {
      #expect(try place.scanline(arguments + ["--overwrite"]).status == 0)
      // By now it is scanline's.
      #expect(try place.scanline(arguments).status == 0)
    }
    #expect(try place.contents("d/heatmaps/x") == mine)
    #expect(try place.names(in: "a").count == 17)
    // A pipe or a device loses nothing.
    #expect(try place.scanline("score", "run", "mixed", "--out", "/dev/stdout").status == 0)
  }

  @Test("links out of DATA are followed only with --follow-links")
  func links() throws {
    try place.makeImages("far", 7)
    try place.makeImages("near", 5)
    place.folder.link("near/far", to: "../far")
    place.folder.link("near/everything", to: "/")
    place.folder.link("near/around", to: ".")
    func counts(_ arguments: String...) throws -> [Int?] {
      let object = try place.scanline(arguments + ["--json"]).object()
      return [object["images"] as? Int, object["unreadable"] as? Int]
    }
    #expect(try counts("evaluate", "run", "near") == [5, 2])
    unlink(place.file("near/everything"))
    #expect(try counts("evaluate", "run", "near", "--follow-links") == [12, 0])
    #expect(
      try counts("score", "run", "near", "--out", "s.csv", "--follow-links") == [12, 0])
    let train = [
      "train", "near", "--run", "linked", "--model", "fvsbn", "--binarize", "threshold", "--epochs",
      "1", "--follow-links",
    ]
    #expect(try place.scanline(train).status == 0)
    let data = try place.scanline("info", "linked", "--json").object()["data"] as? [String: Any]
    let images = ["training_images", "validation_images"].map { data?[$0] as? Int ?? 0 }
    #expect(images[0] + images[1] == 12)
    #expect(try place.scanline(train + ["--resume"]).status == 0)
  }

  @Test("all unreadable files are named in unreadable.csv and in --json")
  func unreadable() throws {
    for index in 0..<8 { place.write(Data("text".utf8), to: "mixed/broken\(index).png") }
    place.write(Data(), to: "mixed/a,\"b\".heic")
    try place.write(
      Data([0xff, 0xd8, 0]) + place.contents("mixed/good/00.png"), to: "mixed/good/none.jpg")
    func expectNamed(_ table: String?, _ arguments: String...) throws {
      let outcome = try place.scanline(arguments + ["--json"])
      let object = try outcome.object()
      #expect(object["unreadable"] as? Int == 10)
      let files = try #require(object["unreadable_files"] as? [[String: String]])
      #expect(files.map { $0["path"] }.contains("mixed/broken7.png") && files.count == 10)
      #expect(outcome.error.contains("more files of mixed"))
      guard let table else { return }
      let lines = String(decoding: try place.contents(table), as: UTF8.self)
        .split(separator: "\n").map(String.init)
      #expect(lines.first == "path,reason" && lines.count == 11)
      #expect(
        lines.contains {
          $0.hasPrefix("\"mixed/a,\"\"b\"\".heic\",") && $0.contains("HEIC")
            && $0.contains("convert")
        })
      #expect(lines.contains { $0.hasPrefix("mixed/broken5.png,\"expected a PNG or JPEG image") })
    }
    try expectNamed(nil, "evaluate", "run", "mixed")
    try expectNamed(nil, "compare", "run", "--in", "held-out", "--out-of", "mixed")
    try expectNamed(
      "flagged/unreadable.csv", "flag", "run", "mixed", "--out", "flagged", "--calibration",
      "held-out")
    try expectNamed("unreadable.csv", "score", "run", "mixed", "--out", "s.csv")
    try expectNamed(
      "new/unreadable.csv", "train", "mixed", "--run", "new", "--model", "fvsbn", "--epochs", "1",
      "--binarize", "threshold")
    try expectNamed("run/calibration-unreadable.csv", "calibrate", "run", "mixed")
    // Without any, an earlier table does not stay; but a person's does.
    #expect(try place.scanline("score", "run", "held-out", "--out", "s.csv").status == 0)
    #expect(!place.exists("unreadable.csv"))
    place.write(Data("mine".utf8), to: "unreadable.csv")
    #expect(try place.scanline("score", "run", "held-out", "--out", "s.csv").status == 0)
    let refused = try place.scanline("score", "run", "mixed", "--out", "s.csv")
    #expect(refused.status == 1 && refused.error.contains("Error: unreadable.csv: "))
    #expect(try place.contents("unreadable.csv") == Data("mine".utf8))
  }

  @Test("flawed files are read, and counted")
  func flawed() throws {
    // Three bytes that belong to nothing, before the first table of an 8 × 8 JPEG.
    let jpeg = try #require(Data(base64Encoded: smallJPEG))
    place.write(jpeg.prefix(20) + [1, 2, 3] + jpeg.dropFirst(20), to: "mixed/flawed.jpg")
    let outcome = try place.scanline("evaluate", "run", "mixed", "--json", "--strict")
    let object = try outcome.object()
    #expect(object["images"] as? Int == 26 && object["flawed"] as? Int == 1)
    let files = try #require(object["flawed_files"] as? [[String: String]])
    #expect(files.first?["path"] == "mixed/flawed.jpg")
    #expect(outcome.error.contains("mixed/flawed.jpg") && outcome.error.contains("extraneous"))
  }
}

private let smallJPEG = """
  /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZG\
  NywtQFdBRkxOUlNSMj5aYVpQYEpRUk//wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABf/EABgQAAID\
  AAAAAAAAAAAAAAAAAAAEBiEy/9oACAEBAAA/ABI+hmj/2Q==
  """
