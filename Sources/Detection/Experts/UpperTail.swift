import Foundation

/// How far out among reference values a value lies, by its upper tail alone: −ln of the share of them
/// that are as large, nats. Beyond the outermost, where a rank would say the same of everything, the tail
/// goes on as an exponential.
package struct UpperTail: Sendable {
  /// Ascending.
  private let sorted: [Double]
  /// The tail begins above this value, and falls by a factor e with each `slope`.
  private let quantile: Double
  private let slope: Double
  private let beyond: Int

  /// - Parameter reference: in any order, at least one, none NaN.
  package init(_ reference: [Double]) { self.init(sorted: reference.sorted()) }

  private init(sorted: [Double]) {
    precondition(!sorted.isEmpty, "a tail of nothing")
    self.sorted = sorted
    let n = sorted.count
    beyond = min(max(10, n / 50), n - 1)
    quantile = sorted[n - 1 - beyond]
    let mean =
      beyond == 0 ? quantile : sorted.suffix(beyond).reduce(0, +) / Double(beyond)
    slope = max(mean - quantile, 1e-9 * max(1, abs(quantile)))
  }

  /// Without one of the reference values, which is judged as if it were new.
  package func leavingOut(_ value: Double) -> UpperTail {
    guard sorted.count > 1 else { return self }
    let place = sorted.partitioningIndex { $0 >= value }
    var rest = sorted
    rest.remove(at: min(place, rest.count - 1))
    return UpperTail(sorted: rest)
  }

  /// −ln p, about; never negative.
  package func surprise(_ value: Double) -> Double {
    let n = Double(sorted.count)
    guard !value.isNaN else { return .infinity }
    if value > quantile, beyond > 0 {
      return -log(Double(beyond) / n) + (value - quantile) / slope
    }
    let asLarge = sorted.count - sorted.partitioningIndex { $0 >= value }
    return max(0, -log((Double(asLarge) + 0.5) / (n + 1)))
  }
}
