/// What a family is trained with where nothing else is asked for.
public struct Recipe: Equatable, Sendable {
  /// Images a step.
  public var batch: Int
  /// The highest learning rate of AdamW.
  public var learningRate: Double
  public var weightDecay: Double
  /// Passes over the images.
  public var epochs: Int
  /// Settings that have other values than their defaults.
  public var settings: [String: String]

  public init(
    batch: Int, learningRate: Double, weightDecay: Double = 0, epochs: Int = 20,
    settings: [String: String] = [:]
  ) {
    self.batch = batch
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.epochs = epochs
    self.settings = settings
  }
}
