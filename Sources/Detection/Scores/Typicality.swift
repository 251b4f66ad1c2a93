extension Score {
  /// |−log p(x) − its mean over held-out normal images|, nats: images more probable than normal ones
  /// are odd as well (Nalisnick et al. 2019, arXiv:1906.02994, for one image).
  static let typicality = Score(
    "typicality", "distance in nats from the mean of the calibration", needs: .normals
  ) { evidence, normals in abs(evidence.nats - (normals.means["nats"] ?? .nan)) }
}
