/// A model whose weights come of its images in closed form, without steps.
public protocol ClosedForm: DensityModel {
  /// Sets the weights.
  /// - Parameters:
  ///   - training: at least one image.
  ///   - validation: others, by which to choose what a likelihood of the first cannot; none or more.
  func fit(_ training: Rows, validation: Rows)
}

/// Images as intensities 0…1, a row each.
public struct Rows: Sendable {
  /// `[count, D]`
  public var values: [Float]
  public let count: Int
  /// The class of each; nil where the model is told none.
  public let labels: [Int]?

  public init(_ values: [Float], count: Int, labels: [Int]? = nil) {
    self.values = values
    self.count = count
    self.labels = labels
  }
}
