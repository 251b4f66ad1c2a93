import ArgumentParser
import Heads

/// How what is drawn departs from the distribution: not at all by default.
struct DecodingOptions: ParsableArguments {
  @Option(help: "Below 1 sharper, above 1 flatter. (default: 1)", transform: decimal)
  var temperature: Double = 1

  @Option(name: .customLong("top-k"), help: "Draw only from the so many most probable levels.")
  var topK: Int?

  @Option(
    name: .customLong("top-p"),
    help: "Draw only from the most probable levels that together reach this probability.",
    transform: decimal)
  var topP: Double?

  @Flag(help: "Always the most probable level.")
  var greedy = false

  @Option(help: "The most probable images that beam search of this width finds. Slow.")
  var beam: Int?

  /// Whether there is one answer, and not as many as one likes.
  var isDetermined: Bool { greedy || beam != nil }

  var sampling: SamplingOptions {
    SamplingOptions(temperature: temperature, topK: topK, topP: topP, greedy: greedy)
  }

  func validate() throws {
    if !(temperature > 0 && temperature.isFinite) {
      throw ValidationError("--temperature: expected more than 0, found \(temperature)")
    }
    if let topK, topK < 1 {
      throw ValidationError("--top-k: expected at least 1, found \(topK)")
    }
    if let topP, !(topP > 0 && topP <= 1) {
      throw ValidationError("--top-p: expected more than 0, at most 1, found \(topP)")
    }
    if let beam, !(1...256).contains(beam) {
      throw ValidationError("--beam: expected 1 ... 256, found \(beam)")
    }
    let draws = temperature != 1 || topK != nil || topP != nil
    if [draws, greedy, beam != nil].filter({ $0 }).count > 1 {
      throw ValidationError(
        "expected one of --greedy, --beam, or --temperature with --top-k and --top-p")
    }
  }
}
