/// A tensor with a name, which is learned or stays as it was set.
///
/// The value is the float32 master (float64 in gradient checks), whatever precision the activations
/// have. Where a mask is set, only its ones are weights; the rest are held at zero.
public final class Parameter {
  /// The path under which the parameter is saved, for example `block3/conv/weight`.
  public let name: String
  public let value: Tensor
  /// 0 or 1 for every element, or nil where all are live.
  public let mask: Tensor?
  /// The mask's shape where it is a staircase: what lies beyond need not be computed.
  public let staircase: Staircase?
  /// Whether weight decay may touch it: weights yes, biases no.
  public let decays: Bool
  /// Whether training moves it. What does not is set from the training images before the first step.
  public let learns: Bool

  public init(
    name: String, value: Tensor, mask: Tensor? = nil, decays: Bool, learns: Bool = true
  ) {
    if let mask { requireSame(mask.shape, value.shape) }
    self.name = name
    self.value = value
    self.mask = mask
    staircase = mask.flatMap(Staircase.init)
    self.decays = decays
    self.learns = learns
  }

  public var shape: Shape { value.shape }

  /// Live elements.
  public var count: Int {
    mask?.nonZeroCount ?? value.count
  }
}
