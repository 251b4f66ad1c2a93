import ArgumentParser
import Detection
import Reports

extension FlagImages {
  /// What is asked for; too few normal images for it are refused before anything is scored.
  func flagging(_ run: RunInUse) throws -> Flagging {
    var flagging: Flagging
    let further = try further.scores(of: run, judgedBy: falseAlarms.score)
    if let experts = try Experts(of: run.trained) {
      if calibrationPath != nil {
        throw ValidationError(
          "--calibration: expected none, as the run ranks images among those that its training set"
            + " aside")
      }
      try falseAlarms.requirePlain()
      try experts.requireEnoughImages(falseAlarmRate: falseAlarms.rate)
      flagging = Flagging(experts: experts, falseAlarmRate: falseAlarms.rate)
    } else {
      let calibration = try ranks(of: run, further)
      let scorer = try Scorer(run.trained, calibration: calibration, further: further)
      _ = try scorer.judge(by: falseAlarms.score, falseAlarmRate: falseAlarms.rate)
      flagging = Flagging(
        scorer: scorer, calibration: calibration, falseAlarmRate: falseAlarms.rate)
      flagging.falseDiscoveryRate = falseAlarms.falseDiscoveryRate
      flagging.score = falseAlarms.score
    }
    flagging.heatMaps = heatmaps
    flagging.strict = run.reading.strict
    flagging.command = wordsOfReport(CommandLine.arguments)
    return flagging
  }

  /// The normal images to rank among.
  private func ranks(of run: RunInUse, _ further: FurtherScores) throws -> Calibration {
    if let calibrationPath {
      return try run.calibration(on: calibrationPath, rate: falseAlarms, further: further).0
    }
    guard let calibration = try run.trained.calibration() else {
      throw CommandError(
        "\(run.path): expected a calibrated run, found none; run scanline calibrate, or give"
          + " --calibration held-out normal images")
    }
    try falseAlarms.check(calibration, of: run.trained.run.calibrationFile)
    return calibration
  }
}
