import ArgumentParser
import Detection
import Reports

extension ScoreImages {
  /// What is asked for; too few normal images for it are refused before anything is scored.
  func scoring(_ run: RunInUse) throws -> Scoring {
    let orders = try averaging.orders(of: [run.trained])
    var scoring: Scoring
    let further = try further.scores(of: run, judgedBy: falseAlarms.score)
    if let experts = try Experts(of: run.trained) {
      try falseAlarms.requirePlain()
      if let npy {
        throw ValidationError(
          "--npy: expected none with a run of both experts, whose images have sizes of their own,"
            + " found \(npy)")
      }
      scoring = Scoring(try ExpertsInspector(experts, falseAlarmRate: falseAlarms.rate))
    } else {
      let calibration = try run.trained.calibration()
      if let calibration {
        try falseAlarms.check(calibration, of: run.trained.run.calibrationFile)
      }
      var scorer = try Scorer(run.trained, calibration: calibration, further: further)
      if orders > 1, let calibration {
        try requireOtherThanNats(falseAlarms.score ?? calibration.defaultScore)
      }
      scorer.orders = orders
      let judge = try calibration.map { _ in
        try scorer.judge(by: falseAlarms.score, falseAlarmRate: falseAlarms.rate)
      }
      scoring = Scoring(ScorerInspector(scorer, judge: judge))
      scoring.falseDiscoveryRate = judge == nil ? nil : falseAlarms.falseDiscoveryRate
      let image = run.trained.configuration.model.image
      scoring.surprise = npy.map { ($0, [image.height, image.width, image.channels]) }
    }
    scoring.strict = run.reading.strict
    scoring.settings = [
      "--false-alarm-rate": "\(falseAlarms.rate)",
      "--false-discovery-rate": falseAlarms.falseDiscoveryRate.map { "\($0)" } ?? "none",
      "--score": falseAlarms.score ?? "none", "--heatmaps": heatmaps ?? "none",
      "--npy": npy == nil ? "none" : "asked for", "--orders": "\(orders)",
    ]
    return scoring
  }

  /// Refuses to rank likelihoods over several orders among those in raster order.
  private func requireOtherThanNats(_ judgedBy: String) throws {
    guard ["nats", "bits_per_dimension"].contains(judgedBy) else { return }
    throw ValidationError(
      "--orders: expected 1 where images are judged by \(judgedBy), as normal ones are ranked in"
        + " raster order, found \(averaging.orders)")
  }
}

/// What `score`, and `merge` of its tables, print with `--json`.
struct ScoreResult: Encodable {
  let run: String?
  let images: Int
  let out: String
  let calibrated: Bool
  let flagged: Int?
  let heatmaps: String?
  let npy: String?

  init(
    run: String?, _ summary: Scoring.Summary, out: String, heatmaps: String? = nil,
    npy: String? = nil
  ) {
    (self.run, self.out, self.heatmaps, self.npy) = (run, out, heatmaps, npy)
    (images, flagged) = (summary.images, summary.flagged)
    calibrated = summary.flagged != nil
  }

  var text: String {
    "\(counted(images, "image")) scored"
      + (flagged.map { ", \($0) flagged" } ?? ", run not calibrated") + "; see \(out)"
  }
}
