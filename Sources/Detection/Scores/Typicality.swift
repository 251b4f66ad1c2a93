extension Score {
  /// |−log p(x) − its mean over held-out normal images|, nats: images more probable than normal ones
  /// are odd as well (Nalisnick et al. 2019, arXiv:1906.02994, for one image).
  static let typicality = Score(
    "typicality", "distance in nats from the mean of the calibration", needsCalibration: true
  ) { evidence, calibration in
    guard let normal = try calibration?.ranks(of: "nats").normal else {
      preconditionFailure("typicality needs a calibration")
    }
    return abs(evidence.nats - normal.reduce(0, +) / Double(normal.count))
  }
}
