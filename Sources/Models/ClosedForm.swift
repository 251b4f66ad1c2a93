/// A model whose weights come of its images in closed form, without steps.
public protocol ClosedForm: DensityModel {
  /// Sets the weights.
  /// - Parameters:
  ///   - rows: images as intensities 0…1, `[count, D]`, at least one.
  ///   - validation: others, by which to choose what a likelihood of the first cannot; none or more.
  func fit(_ rows: [Float], count: Int, validation: [Float])
}
