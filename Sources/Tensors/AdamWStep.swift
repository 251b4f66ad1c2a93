/// The rates of one AdamW step (Loshchilov and Hutter 2019, algorithm 2).
public struct AdamWStep: Sendable {
  public var learningRate: Double
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  public var weightDecay = 0.0
  /// Factor on the gradient, for clipping by global norm.
  public var gradientScale = 1.0
  /// 1-based count of steps, for the bias corrections.
  public var step: Int
  /// What the moving average of the weights keeps of itself.
  public var averageDecay: Double

  public init(learningRate: Double, step: Int, averageDecay: Double) {
    self.learningRate = learningRate
    self.step = step
    self.averageDecay = averageDecay
  }
}
