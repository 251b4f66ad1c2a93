extension DensityModel {
  /// Images to compute at once when no gradient is wanted: at most 64, fewer where images are large,
  /// so that feature maps and logits stay within about a quarter of a GiB each.
  public var inferenceBatch: Int {
    let bytes = 4 * image.dimension * max(head.outputs, 256)
    return max(1, min(64, (256 << 20) / bytes))
  }
}
