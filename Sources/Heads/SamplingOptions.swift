import Foundation

/// Departures from the exact distribution while sampling; the defaults are exact.
public struct SamplingOptions: Sendable, Equatable {
  /// Probabilities are raised to 1 / temperature; below 1 sharper, above 1 flatter.
  public let temperature: Double
  /// Only the k most probable levels, k at least 1, or all.
  public let topK: Int?
  /// Only the most probable levels that together reach this probability, above 0 up to 1, or all.
  public let topP: Double?
  /// Always the most probable level; the lowest of equals.
  public let greedy: Bool

  public init(
    temperature: Double = 1, topK: Int? = nil, topP: Double? = nil, greedy: Bool = false
  ) {
    precondition(temperature > 0, "the temperature must be positive, found \(temperature)")
    precondition(topK.map { $0 >= 1 } ?? true, "top-k must keep a level, found \(topK!)")
    precondition(
      topP.map { $0 > 0 && $0 <= 1 } ?? true, "top-p must be above 0 and at most 1, found \(topP!)")
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.greedy = greedy
  }

  /// Whether draws follow the distribution as it is.
  public var isExact: Bool { self == SamplingOptions() }

  /// Weights to draw from, not normalised.
  func reshape(_ probabilities: [Double]) -> [Double] {
    if greedy {
      let best = probabilities.firstIndex(of: probabilities.max()!)!
      return probabilities.indices.map { $0 == best ? 1 : 0 }
    }
    var weights = probabilities
    if temperature != 1 {
      // Relative to the largest, so that a low temperature does not underflow all of them. What
      // cannot be stays so even where 1 / temperature is zero.
      let top = probabilities.max()!
      weights = weights.map { $0 == 0 ? 0 : pow($0 / top, 1 / temperature) }
    }
    guard topK != nil || topP != nil else { return weights }
    let total = weights.reduce(0, +)
    var kept = 0
    var mass = 0.0
    for level in weights.indices.sorted(by: { (weights[$0], $1) > (weights[$1], $0) }) {
      if kept >= topK ?? .max || mass >= (topP ?? .infinity) * total {
        weights[level] = 0
      } else {
        kept += 1
        mass += weights[level]
      }
    }
    return weights
  }
}
