import Foundation

extension Score {
  /// Σ H_i, nats: how surprising the model expects the image to be. Images that are easy to predict, or
  /// hard to, are odd whatever their surprise.
  static let entropy = Score(
    "entropy", "nats that the model expects", needs: .moments, odd: .both, inVerdict: .both
  ) { evidence, _ in evidence.entropy.total * M_LN2 }
}
