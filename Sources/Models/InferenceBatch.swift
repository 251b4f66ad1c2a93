extension DensityModel {
  /// Images to compute at once when no gradient is wanted.
  public var inferenceBatch: Int { inferenceBatch(atMost: 64) }

  /// Fewer where images are large, so that feature maps and logits stay within about a quarter of a
  /// GiB each.
  func inferenceBatch(atMost most: Int) -> Int {
    let bytes = 4 * image.dimension * max(outputsAStep, 256)
    return max(1, min(most, (256 << 20) / bytes))
  }
}
