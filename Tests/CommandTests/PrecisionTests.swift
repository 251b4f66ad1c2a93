import Foundation
import TestSupport
import Testing

/// A processor without bfloat16 arithmetic, which oneDNN can be told that it has.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct PrecisionHere {
  private static let withoutBFloat16 = ["ONEDNN_MAX_CPU_ISA": "AVX2"]

  private func scanline(_ place: Workplace, _ arguments: String...) throws -> Outcome {
    try place.start(arguments, environment: Self.withoutBFloat16).outcome()
  }

  @Test("a bfloat16 run is used in float32, and training it is refused in one line")
  func bfloat16Run() throws {
    let place = try Workplace.trained()
    let configuration = String(decoding: try place.contents("run/config.json"), as: UTF8.self)
    let narrow = configuration.replacingOccurrences(
      of: "\"precision\" : \"float32\"", with: "\"precision\" : \"bfloat16\"")
    #expect(narrow != configuration)
    place.write(Data(narrow.utf8), to: "run/config.json")
    let here = try place.scanline("evaluate", "run", "mixed", "--json").object()
    let there = try scanline(place, "evaluate", "run", "mixed", "--json").object()
    let nats = try #require(here["nats_per_image"] as? Double)
    // Other instructions add in another order.
    #expect(abs(nats - (try #require(there["nats_per_image"] as? Double))) < 1e-4 * nats)
    let checkpoint = try place.contents("run/checkpoint.safetensors")
    try scanline(place, "train", "normal", "--run", "run", "--resume").expectFailure(naming: [
      "run/config.json: training.precision: expected float32", "found bfloat16",
    ])
    #expect(try place.contents("run/checkpoint.safetensors") == checkpoint)
  }

  @Test("models lists, and train takes, the precision that this processor has")
  func defaultPrecision() throws {
    let place = Workplace()
    let models = try scanline(place, "models", "--json").object()["models"] as? [[String: Any]]
    for model in try #require(models) { #expect(model["precision"] as? String == "float32") }
    try place.makeImages("normal", 4)
    let trained = try scanline(
      place, "train", "normal", "--run", "run", "--model", "pixelcnn", "--set", "blocks=1", "--set",
      "channels=2", "--epochs", "1")
    #expect(trained.status == 0)
    #expect(try place.scanline("info", "run", "--json").out.contains("\"precision\":\"float32\""))
  }
}
