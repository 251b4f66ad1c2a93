extension Score {
  /// The mean over the sub-pixels of (x_i − µ_i)² / (σ_i² + 1) with µ_i and σ_i² the mean and the variance
  /// of the intensity, 0 … 255, under the model: what is far from everything that was expected counts
  /// for more than its surprise, which has an end.
  static let levelDistance = Score(
    "level_distance", "squared distance of intensities from what is expected, in variances",
    needs: .levels, inVerdict: .high
  ) { evidence, _ in
    let scale = evidence.intensitiesALevel * evidence.intensitiesALevel
    var sum = 0.0
    for (error, variance) in zip(evidence.levelError, evidence.levelVariance) {
      sum += scale * Double(error) * Double(error) / (scale * Double(variance) + 1)
    }
    return sum / Double(evidence.dimension)
  }
}
