import Detection
import TestSupport
import Testing

@Suite struct CalibrationTests {
  let folder = TemporaryFolder()
  var path: String { folder.file("calibration.json") }

  @Test func comesBackFromItsFile() throws {
    let calibration = try Calibration(
      scores: ["nats": [3, 0.1, .infinity], "stirring": [-1, -.infinity, 1 / 3]],
      data: "normal \"parts\", 3 images")
    #expect(calibration.count == 3)
    #expect(calibration.scores["nats"] == [0.1, 3, .infinity])
    try calibration.write(to: path)
    let first = try bytes(of: path)
    #expect(try Calibration(contentsOf: path) == calibration)
    try calibration.write(to: path)
    #expect(try bytes(of: path) == first)
    #expect(try calibration.ranks(of: "nats").pValue(of: 4) == 0.5)
  }

  @Test func refusesWhatIsNoCalibration() throws {
    #expect(throws: DetectionError.missing("score")) { try Calibration(scores: [:], data: "") }
    #expect(throws: DetectionError.missing("normal image")) {
      try Calibration(scores: ["nats": []], data: "")
    }
    #expect(throws: DetectionError.notANumber(score: "nats", where: "the normal images")) {
      try Calibration(scores: ["nats": [1, .nan]], data: "")
    }
    #expect(throws: DetectionError.self) {
      try Calibration(scores: ["nats": [1, 2], "other": [1]], data: "")
    }
    let one = try Calibration(scores: ["nats": [1]], data: "")
    #expect(throws: DetectionError.unknownScore("typicality", known: ["nats"])) {
      try one.ranks(of: "typicality")
    }
  }

  @Test(arguments: [
    ("", "expected JSON"), ("\u{89}PNG", "expected JSON"),
    (#"{"count":1,"scores":{"nats":[1]}}"#, "field data is missing"),
    (#"{"count":"1","data":"","scores":{"nats":[1]}}"#, "field count must be Int"),
    (#"{"count":1,"data":"","scores":{"nats":["x"]}}"#, "field scores.nats"),
    (#"{"count":1,"data":"","scores":{"nats":["nan"]}}"#, "found NaN"),
    (#"{"count":2,"data":"","scores":{"nats":[1]}}"#, "each of 2 images, found 1"),
    (#"{"count":2,"data":"","scores":{"nats":[2,1]}}"#, "expected nats ascending"),
    (#"{"count":-1,"data":"","scores":{"nats":[]}}"#, "expected at least one normal image"),
    (
      #"{"count":1,"data":"","scores":{"nats":[1]},"surprise":"#
        + #"{"columns":1,"rows":2,"mean":[1],"deviation":[1]}}"#, "field surprise.mean: expected"
    ),
    (
      #"{"count":1,"data":"","scores":{"nats":[1]},"surprise":"#
        + #"{"columns":1,"rows":1,"mean":[1],"deviation":[0]}}"#, "a positive deviation"
    ),
    (#"{"count":0,"data":"","scores":{}}"#, "expected at least one score"),
  ])
  func namesFileAndField(text: String, reason: String) throws {
    put(text.utf8, at: path)
    let error = #expect(throws: DetectionError.self) { try Calibration(contentsOf: path) }
    let line = try #require(error?.description)
    #expect(line.hasPrefix(path) && line.contains(reason), "\(line)")
    #expect(line.isOneLine)
  }

  @Test func namesMissingFilesAndFolders() {
    let error = #expect(throws: DetectionError.self) {
      try Calibration(contentsOf: "/nowhere/calibration.json")
    }
    #expect(error?.description.hasSuffix("No such file or directory") == true)
    expectError(at: "/nowhere/calibration.json", "No such file or directory") {
      try Calibration(scores: ["nats": [1]], data: "").write(to: "/nowhere/calibration.json")
    }
  }
}

@Suite struct SurpriseMapTests {
  @Test func sumsBitsOverChannels() {
    // [1, 2 pixels, 3 channels].
    let bits: [Float] = [1, 2, 3, 0, 0, 8]
    let map = SurpriseMap(subpixelBits: bits, height: 1, width: 2, channels: 3)
    #expect(map.bits == [6, 8])
  }

  @Test func impossibleIsInfinite() {
    let map = SurpriseMap(subpixelBits: [.infinity, 0], height: 2, width: 1, channels: 1)
    #expect(map.bits == [.infinity, 0])
  }
}

@Suite struct ScoreTableTests {
  @Test func findsColumnsByName() {
    let row = ScoreRow(path: "a", nats: 1, bitsPerDimension: 2, scores: [3, 4])
    let table = ScoreTable(scoreNames: ["typicality", "png_ratio"], rows: [row])
    let names = ["nats", "bits_per_dimension", "typicality", "png_ratio"]
    #expect(names.map { table.values(of: $0) } == [[1], [2], [3], [4]])
    #expect(table.values(of: "other") == nil)
    #expect(!table.isCalibrated)
  }

  @Test func sortsOddestFirst() {
    func row(_ path: String, _ nats: Double, _ p: Double) -> ScoreRow {
      ScoreRow(
        path: path, nats: nats, bitsPerDimension: 1, verdict: .init(pValue: p, flagged: p < 0.1))
    }
    let table = ScoreTable(rows: [
      row("ordinary", 80, 0.5), row("nan", .nan, 0.01), row("odd", 200, 0.01),
      row("odder", 300, 0.01),
    ])
    #expect(table.oddestFirst.rows.map(\.path) == ["odder", "odd", "nan", "ordinary"])
    #expect(table.isCalibrated)
  }
}
