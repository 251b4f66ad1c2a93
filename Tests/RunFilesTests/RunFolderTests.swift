import Foundation
import RunFiles
import TestSupport
import Testing

@Suite struct RunFolderTests {
  struct Configuration: Codable, Equatable {
    struct Model: Codable, Equatable {
      var name = "made"
      var widths = [500, 500]
    }
    var format = 1
    var model = Model()
    var data = "a/b"
    var rate = 0.1
  }

  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = TemporaryFolder()
    path = folder.file("runs/a")
  }

  @Test func configurationRoundTripsAsTextToCompare() throws {
    let run = try RunFolder.create(at: path, configuration: Configuration())
    #expect(try RunFolder.open(at: path).readConfiguration(Configuration.self) == Configuration())
    let text = String(decoding: try bytes(of: run.configurationFile), as: UTF8.self)
    #expect(
      text == """
        {
          "data" : "a/b",
          "format" : 1,
          "model" : {
            "name" : "made",
            "widths" : [
              500,
              500
            ]
          },
          "rate" : 0.1
        }

        """)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        == ["config.json", "events", "lock", "samples"])
  }

  /// Until its configuration is written a claimed folder is no run, and may be claimed anew.
  @Test func aClaimedFolderThatIsNotBegunIsFree() throws {
    do {
      let run = try RunFolder.claim(path)
      #expect(!run.hasConfiguration)
      expectError(at: "\(path)/config.json", "found nothing") { _ = try RunFolder.open(at: path) }
    }
    #expect(throws: Never.self) { try RunFolder.requireFree(path) }
    let run = try RunFolder.create(at: path, configuration: Configuration())
    #expect(run.hasConfiguration)
    expectError(at: path, "--resume", "another --run") { try RunFolder.requireFree(path) }
    expectError(at: path, "--resume", "another --run") { _ = try RunFolder.claim(path) }
  }

  @Test func anExistingRunIsNotOverwritten() throws {
    _ = try RunFolder.create(at: path, configuration: Configuration())
    var other = Configuration()
    other.format = 2
    expectError(at: path, "--resume", "another --run") {
      _ = try RunFolder.create(at: path, configuration: other)
    }
    #expect(try RunFolder.open(at: path).readConfiguration(Configuration.self).format == 1)
  }

  @Test func aFolderOfSomethingElseIsRefusedAndLeftAlone() throws {
    put([1], at: folder.file("holiday.png"))
    expectError(at: folder.path, "a new or empty folder", "'holiday.png'") {
      _ = try RunFolder.create(at: folder.path, configuration: Configuration())
    }
    #expect(try folder.names() == ["holiday.png"])
    let file = folder.file("holiday.png")
    expectError(at: file, "expected a run folder, found a file") {
      _ = try RunFolder.create(at: file, configuration: Configuration())
    }
    expectError(at: file + "/a", "Not a directory") {
      _ = try RunFolder.create(at: file + "/a", configuration: Configuration())
    }
  }

  @Test func aFolderLeftByAKilledStartIsTakenOver() throws {
    let fileManager = FileManager.default
    try fileManager.createDirectory(atPath: path + "/events", withIntermediateDirectories: true)
    put([], at: path + "/lock")
    put([1], at: path + "/.config.json.x1.partial")
    _ = try RunFolder.create(at: path, configuration: Configuration())
    #expect(!fileManager.fileExists(atPath: path + "/.config.json.x1.partial"))
  }

  @Test func twoTrainingsDoNotWriteOneRun() throws {
    var first: RunFolder? = try RunFolder.create(at: path, configuration: Configuration())
    #expect(first?.hasCheckpoint == false)
    expectError(at: path + "/lock", "another training") { _ = try RunFolder.resume(at: path) }
    _ = try RunFolder.open(at: path)  // reading is free
    first = nil
    let second = try RunFolder.resume(at: path)
    try TensorFile.write([], to: second.checkpointFile)
    #expect(second.hasCheckpoint)
    expectError(at: path + "/lock", "another training") { _ = try RunFolder.resume(at: path) }
  }

  @Test func whatIsNotARunIsNamed() throws {
    expectError(at: folder.path + "/config.json", "found nothing") {
      _ = try RunFolder.open(at: folder.path + "/")
    }
    for open in [RunFolder.open, RunFolder.resume] {
      expectError(at: path, "expected a run folder, found nothing") { _ = try open(path) }
      expectError(at: folder.path + "/config.json", "found nothing") { _ = try open(folder.path) }
    }
    #expect(try folder.names().isEmpty)
  }

  @Test(arguments: [
    (#"{"format": 1"#, "expected JSON"), ("", "expected JSON"), ("[]", "found an array"),
    (#"{"format": 1, "data": "", "rate": 1}"#, "model: expected a value, found nothing"),
    (
      #"{"format": "x", "data": "", "rate": 1, "model": {}}"#,
      "format: expected a whole number, found a string"
    ),
    (
      #"{"format": 1, "data": "", "rate": 1, "model": {"name": "", "widths": [1, "x"]}}"#,
      "model.widths[1]: expected a whole number, found a string"
    ),
    (
      #"{"format": 1, "data": null, "rate": 1, "model": {"name": "", "widths": []}}"#,
      "data: expected a string, found null"
    ),
    (
      #"{"format": 1.5, "data": "", "rate": 0.5, "model": {"name": "", "widths": []}}"#,
      "format: expected a whole number, found 1.5"
    ),
    (
      #"{"format": 1, "data": "", "rate": 0.5, "model": {"name": "", "widths": [1, 1e20]}}"#,
      "model.widths[1]: expected a whole number, found 1"
    ),
    (#"{"format": 1, x}"#, "expected JSON, found: "),
  ])
  func aDamagedConfigurationIsNamed(json: String, says: String) throws {
    let run = try RunFolder.create(at: path, configuration: Configuration())
    put(json.utf8, at: run.configurationFile)
    expectError(at: run.configurationFile, says) {
      _ = try run.readConfiguration(Configuration.self)
    }
  }

  @Test func aConfigurationThatJSONCannotHoldKeepsTheOldOne() throws {
    let run = try RunFolder.create(at: path, configuration: Configuration())
    expectError(at: run.configurationFile, "rate: expected a finite number, found inf") {
      try run.writeConfiguration(Configuration(rate: .infinity))
    }
    #expect(try run.readConfiguration(Configuration.self) == Configuration())
  }
}
