import Detection
import Files
import Images
import Reports

extension ScoreImages {
  /// The same by both experts of a run, of images of any size.
  func score(_ run: RunInUse, by experts: Experts, heatmaps folder: OutputFolder?) throws {
    try falseAlarms.requirePlain()
    let names = HeatMapNames(of: folder == nil ? [] : try run.source(data).names)
    let scale = HeatScale.boxes(of: experts.calibration)
    let scored = try run.judged(data, by: experts, falseAlarmRate: falseAlarms.rate) {
      row, evidence, image in
      guard let folder else { return }
      try sideBySide(
        image, HeatMap(evidence.map(reach: experts.local.reach), scale: scale), scale: scale
      )
      .writePNG(to: folder.file(names.file(for: row.path)))
    }
    let reading = ReadingReport(data, skipped: scored.skipped, flawed: scored.flawed)
    try reading.write(beside: outPath, overwrite: output.overwrite, run.console)
    try scored.table.writeCSV(to: outPath)
    let (count, flagged) = (scored.table.rows.count, scored.table.flaggedCount)
    try run.console.result(
      WithReading(
        Result(
          run: run.path, images: count, out: outPath, calibrated: true, flagged: flagged,
          heatmaps: heatmaps), reading),
      text: "\(counted(count, "image")) scored, \(flagged) flagged; see \(outPath)")
  }
}
