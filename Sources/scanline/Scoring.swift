import ArgumentParser
import Detection
import Files
import Images
import Reports
import Training

/// The share of normal images that may be flagged.
struct FalseAlarmOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The share of normal images that may be flagged, between 0 and 1.", valueName: "rate"))
  var falseAlarmRate = 0.05

  func validate() throws {
    if !(falseAlarmRate > 0 && falseAlarmRate < 1) {
      throw ValidationError(
        "--false-alarm-rate: expected between 0 and 1, both excluded, found \(falseAlarmRate)")
    }
  }

  /// Throws where the calibration cannot resolve the rate: before anything is scored.
  func check(_ normalImages: Int, of path: String) throws {
    let needed = try RankPValue.imagesNeeded(falseAlarmRate: falseAlarmRate)
    guard normalImages >= needed else {
      throw CommandError(
        "\(path): expected at least \(needed) held-out normal images for a false-alarm rate of"
          + " \(falseAlarmRate), found \(normalImages)")
    }
  }
}

extension RunInUse {
  /// Scores a data set with progress; throws where it is interrupted.
  func scores(
    of data: DataSet, named name: String, by scorer: Scorer,
    visit: (Int, Evidence) throws -> Void = { _, _ in }
  ) throws -> ScoreTable {
    let line = ProgressLine(console)
    defer { line.clear() }
    let table = try scorer.table(of: data, visit: visit) { done in
      line.update("scoring \(name)", Double(done), of: data.count, "images")
      return !interruption.isRequested
    }
    guard let table else { throw CommandError.stopped("\(name) is not scored to its end") }
    return table
  }
}

extension OutputFolder {
  /// Writes an image beside its heat map, under the path that the image has in its data set.
  func writeHeatMap(_ evidence: Evidence, of path: String) throws {
    let scale = HeatScale.standard(channels: evidence.image.channels)
    try sideBySide(evidence.image, evidence.surprise, scale: scale)
      .writePNG(to: file(path + ".png"))
  }
}
