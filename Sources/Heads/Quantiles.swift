import Foundation

/// Quantiles of levels that spread evenly over their bins: −½ … K − ½.
struct Quantiles {
  private let frequencies: [Double]

  init(_ logFrequencies: [Double]) {
    let top = logFrequencies.max()!
    let weights = logFrequencies.map { exp($0 - top) }
    let total = weights.reduce(0, +)
    frequencies = weights.map { $0 / total }
  }

  func level(at share: Double) -> Double {
    var left = share
    for (level, frequency) in frequencies.enumerated() {
      if left <= frequency, frequency > 0 { return Double(level) - 0.5 + left / frequency }
      left -= frequency
    }
    return Double(frequencies.count) - 0.5
  }
}
