/// The rates of one Muon step (Jordan et al. 2024, kellerjordan.github.io/posts/muon): the momentum of a
/// matrix, with Nesterov's look ahead, brought near the orthogonal matrix next to it by five turns of
/// Newton and Schulz.
///
/// A step's root mean square is about the learning rate, as it is of AdamW, so that one rate serves
/// both (after Liu et al. 2025, arXiv:2502.16982, whose steps are a fifth of that).
public struct MuonStep: Sendable {
  public var learningRate: Double
  public var momentum = 0.95
  public var weightDecay = 0.0
  /// What the moving average of the weights keeps of itself.
  public var averageDecay: Double

  public init(learningRate: Double, averageDecay: Double) {
    self.learningRate = learningRate
    self.averageDecay = averageDecay
  }
}

/// A matrix that Muon moves, and its state: weights `[rows, …]`.
public struct MuonMatrix {
  public let weights: Tensor
  public let gradient: Tensor
  public let momentum: Tensor
  public let average: Tensor
  /// 0 or 1 for every element, or nil where all are live.
  public let mask: Tensor?

  public init(
    weights: Tensor, gradient: Tensor, momentum: Tensor, average: Tensor, mask: Tensor? = nil
  ) {
    for other in [gradient, momentum, average] { requireSame(weights.shape, other.shape) }
    self.weights = weights
    self.gradient = gradient
    self.momentum = momentum
    self.average = average
    self.mask = mask
  }

  public var rows: Int { weights.shape[0] }
  public var columns: Int { weights.count / rows }
}
