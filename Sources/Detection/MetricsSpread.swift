/// Metrics of several runs on the same images: how high they are, and how far runs lie apart.
///
/// The spread is of training (seeds, splits), which intervals by the bootstrap of one run do not have.
public struct MetricsSpread: Equatable, Sendable {
  public let runs: Int
  public let mean: DetectionMetrics
  /// The standard deviation of one run, not of the mean, with n − 1; zero of a single run.
  public let deviation: DetectionMetrics

  /// - Parameter metrics: of each run, at least one.
  public init(of metrics: [DetectionMetrics]) {
    precondition(!metrics.isEmpty, "a mean of no run")
    runs = metrics.count
    let n = Double(metrics.count)
    var mean = metrics[0]
    var deviation = metrics[0]
    let columns: [WritableKeyPath<DetectionMetrics, Double>] = [
      \.auroc, \.auprIn, \.auprOut, \.fpr95, \.fpr80,
    ]
    for column in columns {
      let values = metrics.map { $0[keyPath: column] }
      let middle = values.reduce(0, +) / n
      let squares = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
      mean[keyPath: column] = middle
      deviation[keyPath: column] = n > 1 ? (squares / (n - 1)).squareRoot() : 0
    }
    self.mean = mean
    self.deviation = deviation
  }
}
