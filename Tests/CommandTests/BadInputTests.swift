import Foundation
import Images
import TestSupport
import Testing

/// Everything that can be wrong with what the command is given: one line, status 1, nothing touched.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct BadInput {
  let place: Workplace

  init() throws { place = try Workplace.trained() }

  /// The bytes of every file of the run.
  private func run() throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: place.file("run"))
    where !["run/events", "run/samples"].contains("run/\(name)") {
      files[name] = try place.contents("run/\(name)")
    }
    return files
  }

  /// Every verb that opens a run refuses it in one line with these words, and leaves it as it is.
  private func expectRefused(_ words: String...) throws {
    let before = try run()
    for arguments in [
      ["info", "run"], ["evaluate", "run", "mixed"], ["sample", "run", "--out", "out"],
      ["score", "run", "mixed", "--out", "out.csv"], ["calibrate", "run", "held-out"],
      ["flag", "run", "mixed", "--out", "out"],
      ["compare", "run", "--in", "held-out", "--out-of", "mixed"],
    ] { try place.scanline(arguments + ["--json"]).expectFailure(naming: words) }
    #expect(try run() == before)
    #expect(!place.exists("out") && !place.exists("out.csv"))
  }

  private func edit(_ name: String, _ change: (inout Data) -> Void) throws {
    var data = try place.contents(name)
    change(&data)
    place.write(data, to: name)
  }

  /// Replaces a text within a file once.
  private func replace(_ old: String, by new: String, in name: String) throws {
    try edit(name) { data in
      guard let range = data.range(of: Data(old.utf8)) else {
        Issue.record("\(name) lacks \(old)")
        return
      }
      data.replaceSubrange(range, with: Data(new.utf8))
    }
  }

  @Test("a run folder that is not there, or is none")
  func noRun() throws {
    try place.scanline("info", "nowhere").expectFailure(naming: ["nowhere"])
    try place.scanline("info", "normal").expectFailure(naming: ["normal", "config.json"])
    try place.scanline("info", "run/config.json").expectFailure(naming: ["config.json"])
  }

  @Test("a configuration that is damaged")
  func configuration() throws {
    let whole = try place.contents("run/config.json")
    place.write(whole.prefix(whole.count / 2), to: "run/config.json")
    try expectRefused("run/config.json")
    place.write(Data(), to: "run/config.json")
    try expectRefused("run/config.json")
    place.write(Data("[1, 2]".utf8), to: "run/config.json")
    try expectRefused("run/config.json: expected an object, found an array")
    for (old, new, field) in [
      ("\"nade\"", "\"nadir\"", "nadir"), ("\"hidden\" : \"8\"", "\"hidden\" : \"-8\"", "hidden"),
      ("\"hidden\" : \"8\"", "\"hidden\" : \"9\"", "tensor"),
      ("\"width\" : 10", "\"width\" : 0", "image"), ("\"width\" : 10", "\"width\" : 11", "tensor"),
      ("\"width\" : 10", "\"width\" : \"ten\"", "width"),
      ("\"format\" : 1", "\"format\" : 2", "format"),
      ("\"levels\" : 2", "\"levels\" : 3", "levels"),
      (
        "\"threshold\"", "\"levels-0\"",
        "pixels: expected one of the values that this field takes, found 'levels-0'"
      ),
    ] {
      place.write(whole, to: "run/config.json")
      try replace(old, by: new, in: "run/config.json")
      try expectRefused(field)
    }
  }

  @Test("weights that are missing, cut short, foreign or not finite")
  func weights() throws {
    let name = "run/weights.safetensors"
    let whole = try place.contents(name)
    try FileManager.default.removeItem(atPath: place.file(name))
    try expectRefused(name)
    for length in [0, 4, 100, whole.count / 2, whole.count - 1] {
      place.write(whole.prefix(length), to: name)
      try expectRefused(name)
    }
    place.write(Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }), to: name)
    try expectRefused(name)
    place.write(whole, to: name)
    // The last bytes are the last tensor's.
    try edit(name) { $0.replaceSubrange($0.count - 4..<$0.count, with: [0, 0, 0xc0, 0x7f]) }
    try expectRefused(name, "finite")
    #expect(
      try place.scanline(
        "train", "normal", "--run", "other", "--model", "fvsbn", "--binarize", "threshold",
        "--epochs", "1", "--quiet"
      ).status == 0)
    try place.write(place.contents("other/weights.safetensors"), to: name)
    try expectRefused(name, "tensor")
  }

  @Test("weights so large that the arithmetic overflows")
  func overflow() throws {
    #expect(
      try place.scanline(
        "train", "normal", "--run", "made", "--model", "made", "--set", "hidden=8", "--binarize",
        "threshold", "--epochs", "1", "--quiet"
      ).status == 0)
    // The largest float32 for every weight that is not masked: hidden units are infinite.
    try edit("made/weights.safetensors") { data in
      let header = data.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
      for i in stride(from: 8 + header, to: data.count, by: 4)
      where data[i..<i + 3].contains(where: { $0 != 0 }) {
        data.replaceSubrange(i..<i + 4, with: [0xff, 0xff, 0x7f, 0x7f])
      }
    }
    for arguments in [
      ["evaluate", "made", "mixed"], ["calibrate", "made", "held-out"],
      ["compare", "made", "--in", "held-out", "--out-of", "mixed"],
      ["flag", "made", "mixed", "--out", "out", "--calibration", "held-out"],
      ["score", "made", "mixed", "--out", "s.csv"],
    ] { try place.scanline(arguments + ["--quiet"]).expectFailure(naming: ["finite", "weights"]) }
    try place.scanline("sample", "made", "--out", "out", "--quiet")
      .expectFailure(naming: ["weights overflow"])
    #expect(!place.exists("made/calibration.json") && !place.exists("out/report.html"))
    #expect(!place.exists("s.csv"))
  }

  @Test("a calibration that is missing, damaged or of other weights")
  func calibration() throws {
    let flag = ["flag", "run", "mixed", "--out", "out"]
    try place.scanline(flag).expectFailure(naming: ["run", "calibrate"])
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    let whole = try place.contents("run/calibration.json")
    for (old, new) in [
      ("\"count\"", "\"cuont\""), (":40", ":41"), ("\"nats\":[", "\"nats\":[1e9,"),
    ] {
      place.write(whole, to: "run/calibration.json")
      try replace(old, by: new, in: "run/calibration.json")
      try place.scanline(flag).expectFailure(naming: ["run/calibration.json"])
    }
    place.write(whole.prefix(100), to: "run/calibration.json")
    try place.scanline(flag).expectFailure(naming: ["run/calibration.json"])
    place.write(whole, to: "run/calibration.json")
    #expect(
      try place.scanline(
        "train", "normal", "--run", "other", "--model", "nade", "--set", "hidden=8", "--binarize",
        "threshold", "--epochs", "1", "--quiet"
      ).status == 0)
    place.write(whole, to: "other/calibration.json")
    try place.scanline("flag", "other", "mixed", "--out", "out")
      .expectFailure(naming: ["other/calibration.json", "weights"])
    #expect(!place.exists("out"))
  }

  @Test("a false-alarm rate that the normal images cannot resolve, before anything is scored")
  func falseAlarmRate() throws {
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    try place.scanline("flag", "run", "mixed", "--out", "out", "--false-alarm-rate", "0.02")
      .expectFailure(naming: ["0.02", "49", "40"])
    try place.scanline(
      "flag", "run", "mixed", "--out", "out", "--calibration", "held-out", "--false-alarm-rate",
      "0.001", "--quiet"
    ).expectFailure(naming: ["held-out", "999", "40"])
    try place.scanline(
      "score", "run", "mixed", "--out", "out.csv", "--false-alarm-rate", "0.001"
    ).expectFailure(naming: ["999"])
    #expect(!place.exists("out") && !place.exists("out.csv"))
  }

  @Test("images that are not there or not images")
  func data() throws {
    try FileManager.default.createDirectory(
      atPath: place.file("empty"), withIntermediateDirectories: true)
    place.write(Data("text".utf8), to: "broken/a.png")
    place.write(Data("text".utf8), to: "text.txt")
    // An IDX header that promises two thousand million images of 65535 × 65535.
    place.write(
      Data([0, 0, 8, 3, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]),
      to: "huge-images-idx3-ubyte")
    for name in ["nowhere", "empty", "broken", "text.txt", "huge-images-idx3-ubyte"] {
      for arguments in [
        ["evaluate", "run", name], ["score", "run", name, "--out", "out.csv"],
        ["calibrate", "run", name], ["flag", "run", "mixed", "--out", "o", "--calibration", name],
        ["train", name, "--run", "new"],
      ] { try place.scanline(arguments + ["--quiet"]).expectFailure(naming: [name]) }
    }
    #expect(
      !place.exists("new") && !place.exists("out.csv") && !place.exists("run/calibration.json"))
  }

  @Test("an unreadable file in a folder is passed over and named, unless --strict")
  func unreadable() throws {
    try place.write(place.contents("mixed/good/00.png").prefix(60), to: "mixed/cut.png")
    let outcome = try place.scanline("evaluate", "run", "mixed", "--json")
    #expect(try outcome.object()["images"] as? Int == 25)
    #expect(outcome.error.contains("mixed/cut.png"))
    for arguments in [
      ["evaluate", "run", "mixed"], ["score", "run", "mixed", "--out", "s.csv"],
      ["calibrate", "run", "mixed"], ["compare", "run", "--in", "held-out", "--out-of", "mixed"],
      ["train", "mixed", "--run", "new"],
    ] {
      try place.scanline(arguments + ["--strict", "--quiet"]).expectFailure(naming: ["cut.png"])
    }
  }

  @Test("outputs that cannot be written are refused before the work")
  func outputs() throws {
    place.write(Data("mine".utf8), to: "file")
    try place.scanline("sample", "run", "--out", "file").expectFailure(naming: ["file", "folder"])
    try place.scanline(
      "flag", "run", "mixed", "--out", "file", "--calibration", "held-out", "--quiet"
    )
    .expectFailure(naming: ["file"])
    try place.scanline("score", "run", "mixed", "--out", "no/such/folder.csv")
      .expectFailure(naming: ["no/such/folder.csv"])
    #expect(try place.contents("file") == Data("mine".utf8))
  }

  @Test("a run is never trained over, nor gone on with where there is none")
  func occupied() throws {
    let before = try run()
    try place.scanline("train", "normal", "--run", "run").expectFailure(naming: ["run", "--resume"])
    #expect(try run() == before)
    try place.scanline("train", "normal", "--run", "normal", "--quiet")
      .expectFailure(naming: ["normal"])
    try place.scanline("train", "normal", "--run", "nowhere", "--resume")
      .expectFailure(naming: ["nowhere"])
  }

  @Test("a loss that is not finite stops the training, the step named")
  func notFinite() throws {
    try place.scanline(
      "train", "normal", "--run", "wild", "--model", "pixelcnn", "--set", "blocks=1", "--set",
      "channels=4", "--learning-rate", "1e30", "--epochs", "50", "--quiet"
    ).expectFailure(naming: ["wild", "step"])
  }

  @Test("an interruption leaves whole images and says how many")
  func interruption() throws {
    let running = try place.start([
      "sample", "run", "--count", "1000000", "--out", "many", "--quiet", "--threads", "1",
    ])
    for _ in 0..<1000 where !place.exists("many/0001.png") { usleep(20_000) }
    running.process.interrupt()
    let outcome = try running.outcome()
    #expect(outcome.status == 130 && outcome.out.isEmpty)
    #expect(outcome.error.hasPrefix("stopped: ") && outcome.error.contains("many"))
    let names = try place.names(in: "many")
    #expect(names.contains("grid.png") && names.allSatisfy { $0.hasSuffix(".png") })
    let last = try #require(names.dropLast().last)
    #expect(throws: Never.self) { try Image.decode(contentsOf: place.file("many/\(last)")) }
    #expect(outcome.error.contains("\(names.count - 1) of 1000000"))
  }
}
