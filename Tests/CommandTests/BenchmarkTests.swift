import Foundation
import Models
import TestSupport
import Testing

@Suite(.enabled(if: Command.path != nil, Command.missing)) struct Benchmarks {
  let place = Workplace()

  private func number(_ object: [String: Any], _ key: String) throws -> Double {
    try #require(object[key] as? Double, "\(key) is no number")
  }

  @Test("one model as one JSON object, every figure in it")
  func model() throws {
    let object = try place.scanline(
      "benchmark", "--model", "made", "--set", "hidden=6", "--size", "4x3", "--channels", "rgb",
      "--levels", "5", "--batch", "7", "--precision", "float32", "--threads", "1", "--seconds",
      "0.001", "--json", "--quiet"
    ).object()
    for key in [
      "train_images_per_second", "score_images_per_second", "sample_images_per_second",
      "plain_sample_images_per_second", "train_gflops", "score_gflops", "train_share_of_peak",
      "score_share_of_peak", "peak_gflops", "score_peak_gflops", "peak_memory_bytes",
      "parameters", "multiply_adds", "first_step_seconds", "startup_seconds", "inference_batch",
    ] { #expect(try number(object, key) > 0, "\(key)") }
    #expect(object["model"] as? String == "made")
    #expect(
      object["settings"] as? [String: String]
        == [
          "hidden": "6", "masks": "1", "near": "0", "orders": "1", "lines": "on", "stencil": "off",
          "whiten": "off", "dropout": "0",
        ])
    #expect(object["size"] as? String == "4x3")
    #expect(object["head"] as? String == "categorical")
    #expect(object["precision"] as? String == "float32")
    for (key, value) in [("channels", 3), ("levels", 5), ("batch", 7), ("threads", 1)] {
      #expect(object[key] as? Int == value)
    }
    #expect(object["version"] is String)
    // What is not asked for is null, not missing.
    #expect(object["resident_bytes_early"] is NSNull && object["steps"] is NSNull)
    expectClose(
      [try number(object, "train_gflops"), try number(object, "train_share_of_peak")],
      [
        try 6e-9 * number(object, "multiply_adds") * number(object, "train_images_per_second"),
        try number(object, "train_gflops") / number(object, "peak_gflops"),
      ], tolerance: 1e-9, floor: 1e-30)
  }

  @Test("only what is wanted, for so many steps")
  func only() throws {
    let object = try place.scanline(
      "benchmark", "--model", "fvsbn", "--size", "3x3", "--only", "train", "--steps", "20",
      "--seconds", "0.001", "--json"
    ).object()
    #expect(try number(object, "train_images_per_second") > 0)
    #expect(object["steps"] as? Int == 20)
    for key in ["resident_bytes_early", "resident_bytes_late"] {
      #expect(try number(object, key) > 0)
    }
    for key in [
      "score_images_per_second", "score_gflops", "score_peak_gflops", "sample_images_per_second",
      "plain_sample_images_per_second",
    ] { #expect(object[key] is NSNull, "\(key)") }
  }

  @Test("every family, as JSON and as a table")
  func all() throws {
    let flags = ["--size", "3x3", "--only", "train,sample", "--seconds", "0.001"]
    let object = try place.scanline(["benchmark", "--json"] + flags).object()
    let models = try #require(object["models"] as? [[String: Any]])
    let names = models.map { "\($0["model"] ?? "") \($0["levels"] ?? "")" }
    #expect(
      names
        == ModelFamily.all.flatMap { ["\($0.name) 2", "\($0.name) 256"] })
    let outcome = try place.scanline(["benchmark"] + flags)
    #expect(outcome.status == 0)
    let lines = outcome.out.split(separator: "\n")
    try #require(lines.count == 2 + names.count, "\(outcome.out)")
    #expect(lines[0].hasPrefix("3x3x1, "))
    #expect(lines[1].hasPrefix("model") && lines[1].hasSuffix("MiB"))
    #expect(Set(lines.dropFirst().map(\.count)).count == 1, "the table is not aligned")
    #expect(lines[2].hasPrefix("fvsbn ") && lines[3].hasPrefix("fvsbn, 256 levels "))
  }

  @Test("a table leaves out the models whose 256 levels take much memory")
  func large() throws {
    let object = try place.scanline(
      "benchmark", "--size", "28x28", "--only", "train", "--steps", "1", "--batch", "1", "--json"
    ).object()
    let models = try #require(object["models"] as? [[String: Any]])
    let large = models.filter { $0["levels"] as? Int == 256 }
    let left = Set(large.compactMap { $0["model"] as? String })
    #expect(
      left == Set(ModelFamily.all.map(\.name)).subtracting(["fvsbn", "nade", "deep-nade", "made"]))
  }

  @Test("measures with images from files, brought to the size asked for")
  func data() throws {
    try place.makeImages("normal", 3)
    func size(_ flags: String...) throws -> [String?] {
      let object = try place.scanline(
        ["benchmark", "normal", "--model", "fvsbn", "--seconds", "0.001", "--json"] + flags
      ).object()
      return [object["size"] as? String, object["channels"].map { "\($0)" }]
    }
    #expect(try size() == ["10x10", "1"])
    #expect(try size("--size", "5x4", "--channels", "rgb") == ["5x4", "3"])
    try place.scanline("benchmark", "nowhere", "--json").expectFailure(naming: ["nowhere"])
  }

  @Test("what cannot be built or held is refused in one line")
  func tooLarge() throws {
    try place.scanline("benchmark", "--model", "fvsbn", "--size", "4096x4096", "--only", "score")
      .expectFailure(naming: ["fvsbn", "4096x4096x1", "GiB"])
    try place.scanline(
      "benchmark", "--model", "pixelcnn", "--size", "40x40", "--batch", "1048576"
    ).expectFailure(naming: ["40x40x1", "1048576", "GiB"])
    for only in ["train", "score", "sample"] {
      try place.scanline(
        "benchmark", "--model", "pixelcnn", "--set", "channels=8192", "--size", "4096x4096",
        "--only", only
      ).expectFailure(naming: ["pixelcnn", "4096x4096x1", "GiB"])
    }
  }

  @Test("an interruption ends it")
  func interruption() throws {
    let running = try place.start([
      "benchmark", "--model", "fvsbn", "--size", "2x2", "--only", "train", "--threads", "1",
      "--steps", "1000000000",
    ])
    // It says that it trains after two seconds; from its first step on a signal is a request.
    for _ in 0..<1000 where try running.error.seekToEnd() == 0 { usleep(20_000) }
    running.process.interrupt()
    let outcome = try running.outcome()
    #expect(outcome.status == 130)
    #expect(outcome.error.hasSuffix("stopped: 0 of 1 model measured\n"))
  }
}
