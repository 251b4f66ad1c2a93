import Foundation

extension Score {
  /// Z = Σ (s_i − H_i) / √Σ v_i with s_i the surprise −log p(x_i | x_<i), H_i its mean under the
  /// model (the conditional's entropy) and v_i its variance. s_i − H_i is a martingale difference
  /// under the model, so Z is about standard normal for images that the model itself would draw.
  static let normalisedSurprise = Score(
    "normalised_surprise", "surprise beyond the model's own expectation, in its standard deviations"
  ) { evidence, _ in
    var excess = 0.0
    var variance = 0.0
    for (i, logProbability) in evidence.logProbabilities.enumerated() {
      var entropy = 0.0
      var square = 0.0
      for p in evidence.probabilities(i) where p > 0 {
        let surprise = -log(p)
        entropy += p * surprise
        square += p * surprise * surprise
      }
      excess -= logProbability + entropy
      variance += max(0, square - entropy * entropy)
    }
    // Where the model is sure of everything, the expected image is not odd at all.
    return excess == 0 ? 0 : excess / variance.squareRoot()
  }
}
