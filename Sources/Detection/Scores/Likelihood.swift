extension Score {
  /// −log p(x), nats: a table's first column. By itself a high one is odd, but an image that is more
  /// probable than normal ones may be as odd (Nalisnick et al. 2019, arXiv:1810.09136): in a verdict both
  /// count.
  static let likelihood = Score("nats", "negative log-likelihood", inVerdict: .both) {
    evidence, _ in evidence.nats
  }
}
