import ArgumentParser
import Detection
import Files
import Foundation
import Images
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
    visit: (Int, ScoreRow, Evidence) throws -> Void = { _, _, _ in }
  ) throws -> ScoreTable {
    try watching(name, data.count) { progress in
      try scorer.table(of: data, visit: visit, progress: progress)
    }
  }

  /// Runs work over images that tells its progress and asks whether to go on; throws where it was
  /// interrupted, and so came to nothing.
  func watching<Result>(
    _ name: String, _ count: Int, _ work: ((Int) -> Bool) throws -> Result?
  ) throws -> Result {
    let line = ProgressLine(console)
    defer { line.clear() }
    let result = try work { done in
      line.update("scoring \(name)", Double(done), of: count, "images")
      return !interruption.isRequested
    }
    guard let result else { throw CommandError.stopped("\(name) is not scored to its end") }
    return result
  }
}

/// The folder that names of images are relative to, whose files a report can lead to.
func folderOfImages(_ data: String) -> String {
  var isFolder: ObjCBool = false
  let exists = FileManager.default.fileExists(atPath: data, isDirectory: &isFolder)
  if exists && isFolder.boolValue { return data }
  return data.contains("/") ? String(data[...data.lastIndex(of: "/")!]) : "."
}
