extension Score {
  /// The length of the image as the smallest PNG file, bits: how hard it is to compress for a code that
  /// knows no other image. Beside the likelihood it tells simple images from probable ones (Serrà et al.
  /// 2020, arXiv:1909.11480).
  static let losslessLength = Score(
    "png_bits", "bits as an optimised PNG", needs: .losslessLength, odd: .both, inVerdict: .both
  ) { evidence, _ in evidence.losslessBits }
}
