import Images

/// A model whose weights come of its images without steps of gradient descent.
public protocol ClosedForm: DensityModel {
  /// Sub-pixels that a fit takes at most: of more images, evenly spaced ones.
  var mostFitted: Int { get }
  /// Bytes of memory that a fit takes for each of them.
  var fitBytes: Int { get }

  /// Sets the weights.
  /// - Parameters:
  ///   - images: at least one.
  ///   - validation: others, by which to choose what a likelihood of the first cannot; nil where there
  ///     are none.
  func fit(_ images: PixelBatch, validation: PixelBatch?)
}
