import ArgumentParser
import Detection
import Files
import Images
import Reports

extension FlagImages {
  /// The same by both experts of a run, of images of any size.
  func run(_ run: RunInUse, by experts: Experts) throws {
    if calibrationPath != nil {
      throw ValidationError(
        "--calibration: expected none, as the run ranks images among those that its training set"
          + " aside")
    }
    try falseAlarms.requirePlain()
    try experts.requireEnoughImages(falseAlarmRate: falseAlarms.rate)
    let folder = try OutputFolder(outPath, inputs: [data], overwrite: output.overwrite)
    let names = ["scores.csv", "scores.jsonl", "contact-sheet.png", "heatmaps", "report.html"]
    try folder.requireFree(names + ["unreadable.csv"])
    let source = try run.source(data)
    try folder.claim(names)
    var flagging = LargeFlagging(experts: experts, falseAlarmRate: falseAlarms.rate)
    flagging.heatMaps = heatmaps
    flagging.strict = run.reading.strict
    flagging.command = CommandLine.arguments
    flagging.originals = folderOfImages(data)
    let line = ProgressLine(run.console)
    let written = try flagging.write(source, named: data, to: folder.path) { done, total in
      line.update("scoring", Double(done), of: total, "images")
      return !run.interruption.isRequested
    }
    line.clear()
    guard let (summary, scored) = written else {
      throw CommandError.stopped("\(outPath) lacks report.html")
    }
    if let reason = summary.reason {
      run.console.warn(
        "\(summary.missingHeatMaps) of \(counted(summary.heatMaps, "heat map")) not written:"
          + " \(reason)")
    }
    tellOfFiles(data, source.leftOut, scored.skipped, scored.flawed, run.console)
    let reading = ReadingReport(data, skipped: scored.skipped, flawed: scored.flawed)
    try reading.write(to: folder.file("unreadable.csv"), run.console)
    let result = Result(
      images: summary.images, flagged: summary.flagged, unreadable: scored.skipped.count,
      falseAlarmRate: falseAlarms.rate, falseDiscoveryRate: nil,
      calibrationImages: experts.calibration.held.count,
      report: summary.report, scores: summary.scores, heatMaps: summary.heatMaps,
      missingHeatMaps: summary.missingHeatMaps)
    try run.console.result(WithReading(result, reading), text: result.text)
    if failIfFlagged && result.flagged > 0 { throw ExitCode(3) }
  }
}

extension RunInUse {
  /// The images of a path, one by one.
  func source(_ path: String) throws -> ImageSource {
    try requirePath("DATA", path)
    return try ImageSource(path, followLinks: reading.followLinks)
  }

  /// Judges all images of a path by both experts, with progress; throws where it is interrupted.
  func judged(
    _ path: String, by experts: Experts, falseAlarmRate rate: Double,
    visit: (ScoreRow, LargeEvidence, Image) throws -> Void = { _, _, _ in }
  ) throws -> Experts.Scored {
    let source = try source(path)
    let scored = try watching(path, source.count) { progress in
      try experts.table(
        of: source, falseAlarmRate: rate, strict: reading.strict, visit: visit,
        progress: progress)
    }
    tellOfFiles(path, source.leftOut, scored.skipped, scored.flawed, console)
    return scored
  }
}
