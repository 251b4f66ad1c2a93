import Files
import Images
import Reports

/// What `flag` and `merge` print with `--json`.
struct FlagResult: Encodable {
  let images: Int
  let flagged: Int
  let unreadable: Int
  let falseAlarmRate: Double?
  let falseDiscoveryRate: Double?
  let calibrationImages: Int
  let report: String
  let scores: String
  let heatMaps: Int
  let missingHeatMaps: Int

  init(_ summary: Flagging.Summary) {
    images = summary.images
    flagged = summary.flagged
    unreadable = summary.skipped.count
    falseAlarmRate = summary.falseDiscoveryRate == nil ? summary.falseAlarmRate : nil
    falseDiscoveryRate = summary.falseDiscoveryRate
    calibrationImages = summary.calibrationImages
    (report, scores) = (summary.report, summary.scores)
    (heatMaps, missingHeatMaps) = (summary.heatMaps, summary.missingHeatMaps)
  }

  var text: String {
    let rate =
      falseAlarmRate.map { rate in
        "a false-alarm rate of \(rate)"
          + " (at most \(significant(rate * Double(images))) expected, were all normal)"
      } ?? "a false-discovery rate of \(falseDiscoveryRate ?? 0)"
    return "\(flagged) of \(counted(images, "image")) flagged at \(rate)"
      + (unreadable > 0 ? "; \(unreadable) unreadable" : "") + "; see \(report)"
  }
}

/// What `flag` prints of a shard.
struct PartResult: Encodable {
  let shard: String
  let images: Int
  let flagged: Int
  let unreadable: Int
  let out: String

  init(_ part: Flagging.Part, _ shard: Shard, to out: String) {
    (self.shard, self.out) = (shard.description, out)
    (images, flagged, unreadable) = (part.images, part.flagged, part.skipped.count)
  }

  var text: String {
    "shard \(shard): \(counted(images, "image")) scored in \(out); with all shards, make one of them"
      + " by scanline merge"
  }
}

extension Flagging.Summary {
  /// Writes what is to be told of files beside the report, and prints the result.
  /// - Parameter stopped: makes an error of what is lacking where heat maps were stopped.
  func tell(
    _ reading: ReadingReport, in folder: OutputFolder, _ console: Console,
    stopped: (String) -> CommandError
  ) throws {
    try reading.write(to: folder.file("unreadable.csv"), console)
    if let reason {
      console.warn("\(missingHeatMaps) of \(counted(heatMaps, "heat map")) not written: \(reason)")
    } else if missingHeatMaps > 0 {
      throw stopped(counted(missingHeatMaps, "heat map"))
    }
    let result = FlagResult(self)
    try console.result(WithReading(result, reading), text: result.text)
  }
}

extension OutputFolder {
  /// Makes the folder, and the names of all that a report is of its own.
  func claimReport(journal: String? = nil) throws {
    let names = ["scores.csv", "scores.jsonl", "contact-sheet.png", "heatmaps", "report.html"]
    try requireFree(names + ["unreadable.csv"])
    try claim(names + [journal].compactMap(\.self))
  }
}
