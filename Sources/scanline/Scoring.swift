import ArgumentParser
import Detection
import Files

/// Which images are flagged.
struct FalseAlarmOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The share of normal images that may be flagged, between 0 and 1. (default: 0.05)",
      valueName: "rate"), transform: decimal)
  var falseAlarmRate: Double?

  @Option(
    help: ArgumentHelp(
      "Instead, the share of the flagged that may be normal.", valueName: "rate"),
    transform: decimal)
  var falseDiscoveryRate: Double?

  @Option(
    help: ArgumentHelp(
      "The column of scores.csv to judge by. (default: verdict, of all scores together)",
      valueName: "name"))
  var score: String?

  /// The rate that p-values have to resolve.
  var rate: Double { falseDiscoveryRate ?? falseAlarmRate ?? 0.05 }

  func validate() throws {
    for (flag, rate) in [
      ("--false-alarm-rate", falseAlarmRate), ("--false-discovery-rate", falseDiscoveryRate),
    ] {
      guard let rate, !(rate > 0 && rate < 1) else { continue }
      throw ValidationError("\(flag): expected between 0 and 1, both excluded, found \(rate)")
    }
    if falseAlarmRate != nil && falseDiscoveryRate != nil {
      throw ValidationError("expected --false-alarm-rate or --false-discovery-rate, found both")
    }
  }

  /// Refuses what a run of both experts does not offer: it judges by their common verdict alone.
  func requirePlain() throws {
    for (flag, found) in [
      ("--score", score), ("--false-discovery-rate", falseDiscoveryRate.map { "\($0)" }),
    ] {
      guard let found else { continue }
      throw ValidationError("\(flag): expected none with a run of both experts, found \(found)")
    }
  }

  /// Throws where the calibration cannot resolve the rate: before anything is scored.
  func check(_ calibration: Calibration, of path: String) throws {
    do {
      try calibration.requireEnoughImages(falseAlarmRate: rate, by: score)
    } catch DetectionError.tooFewNormalImages(_, let needed, let found) {
      throw tooFew(path, needed: needed, found: found)
    }
  }

  /// The same of normal images that have yet to be scored.
  func check(_ normalImages: Int, of path: String) throws {
    let tail = Score.oddTail(of: score ?? Score.verdict)
    let needed = try RankPValue.imagesNeeded(falseAlarmRate: rate, tail: tail)
    if normalImages < needed { throw tooFew(path, needed: needed, found: normalImages) }
  }

  private func tooFew(_ path: String, needed: Int, found: Int) -> FileError {
    let kind = falseDiscoveryRate == nil ? "false-alarm" : "false-discovery"
    return FileError(
      path, expected: "at least \(needed) held-out normal images for a \(kind) rate of \(rate)",
      found: "\(found)")
  }
}
