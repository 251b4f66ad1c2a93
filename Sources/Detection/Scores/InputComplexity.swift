extension Score {
  /// −log₂ p(x) − L(x), bits, where L is the length of the image as a PNG file: what the model finds
  /// odd beyond what makes any image hard to compress (Serrà et al. 2020, arXiv:1909.11480). Both are
  /// of the image as the model sees it.
  static let inputComplexity = Score(
    "input_complexity", "bits by the model less bits as an optimised PNG", needs: .losslessLength
  ) { evidence, _ in evidence.bits - evidence.losslessBits }
}
