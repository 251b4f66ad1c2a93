import Foundation

/// ln Σ exp x without overflow; −∞ of nothing, NaN where a number is none.
@inlinable package func logSumExp(_ logs: some Collection<Double>) -> Double {
  let top = logs.max() ?? -.infinity
  guard top.isFinite else { return logs.contains(where: \.isNaN) ? .nan : top }
  return top + log(logs.reduce(0) { $0 + exp($1 - top) })
}
