extension Score {
  /// How unlike training images an image is in the ways in which these differ: Mahalanobis's squared
  /// distance along the directions of a low-rank Gaussian density.
  static let gaussianInside = Score(
    "gaussian_inside", "squared distance along the directions of a Gaussian density",
    needs: .gaussian, inVerdict: .high
  ) { evidence, _ in evidence.gaussian.inside }

  /// How far an image is from all that training images vary in.
  static let gaussianResidual = Score(
    "gaussian_residual", "squared distance outside of the directions of a Gaussian density",
    needs: .gaussian, inVerdict: .high
  ) { evidence, _ in evidence.gaussian.residual }
}
