extension Score {
  /// Z = Σ (s_i − H_i) / √Σ v_i with s_i the surprise −log p(x_i | x_<i), H_i its mean under the
  /// model (the conditional's entropy) and v_i its variance. s_i − H_i is a martingale difference
  /// under the model, so Z is about standard normal for images that the model itself would draw.
  static let normalisedSurprise = Score(
    "normalised_surprise", "surprise beyond what the model expects, in its standard deviations",
    needs: .moments, odd: .both, inVerdict: .both
  ) { evidence, _ in
    normalised(
      excess: evidence.bits - evidence.entropy.total, variance: evidence.variance.total)
  }
}

/// Surprise beyond what was expected, in standard deviations.
func normalised(excess: Double, variance: Double) -> Double {
  // Where the model is sure of everything, the expected image is not odd at all.
  excess == 0 ? 0 : excess / variance.squareRoot()
}

extension ArraySlice<Float> {
  /// The sum, in double precision.
  var total: Double { withUnsafeBufferPointer { $0.reduce(0.0) { $0 + Double($1) } } }
}
