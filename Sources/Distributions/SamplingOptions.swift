import Foundation

/// Departures from the exact distribution while sampling; the defaults are exact.
public struct SamplingOptions: Sendable, Equatable {
  /// Probabilities are raised to 1 / temperature; below 1 sharper, above 1 flatter.
  public var temperature = 1.0
  /// Only the k most probable levels, or all.
  public var topK: Int?
  /// Only the most probable levels that together reach this probability, or all.
  public var topP: Double?
  /// Always the most probable level; the lowest of equals.
  public var greedy = false

  public init(
    temperature: Double = 1, topK: Int? = nil, topP: Double? = nil, greedy: Bool = false
  ) {
    precondition(temperature > 0, "the temperature must be positive, found \(temperature)")
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.greedy = greedy
  }

  /// Weights to draw from, not normalised.
  func reshape(_ probabilities: [Double]) -> [Double] {
    if greedy {
      let best = probabilities.firstIndex(of: probabilities.max()!)!
      return probabilities.indices.map { $0 == best ? 1 : 0 }
    }
    var weights = probabilities
    if temperature != 1 {
      // Relative to the largest, so that a low temperature does not underflow all of them.
      let top = probabilities.max()!
      weights = weights.map { pow($0 / top, 1 / temperature) }
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
