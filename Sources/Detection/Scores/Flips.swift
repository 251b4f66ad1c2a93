extension Score {
  /// How many nats the mirror image is less probable than the image, under a low-rank Gaussian density:
  /// few where an image is mirrored itself.
  static let mirrored = Score(
    "mirrored", "nats by which the mirror image is less probable", needs: .gaussian, odd: .low,
    inVerdict: .both, ofPlace: true
  ) { evidence, _ in evidence.gaussian.mirrored }

  /// The same of the image upside down.
  static let upsideDown = Score(
    "upside_down", "nats by which the image upside down is less probable", needs: .gaussian,
    odd: .low, inVerdict: .both, ofPlace: true
  ) { evidence, _ in evidence.gaussian.upsideDown }
}
