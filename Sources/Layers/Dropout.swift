import Randomness
import Tensors

/// Dropout (Srivastava et al. 2014, JMLR 15:1929): while training, every activation is set to zero
/// with probability `rate` and the others are scaled up; at inference nothing happens.
///
/// Which ones depends on the run's seed, the step and the layer's path alone, so that a resumed
/// training drops what an uninterrupted one would have.
public struct Dropout {
  let rate: Double
  let path: String

  /// - Parameter rate: probability of being dropped, 0 ≤ rate < 1.
  public init(_ rate: Double, at scope: Scope) {
    self.rate = rate
    path = scope.path
  }

  public func callAsFunction(_ x: Variable, in context: Context) -> Variable {
    mask(in: context).map { context.dropout(x, $0) } ?? x
  }

  /// Units side by side, of which there is no training, stay as they are.
  public func callAsFunction(_ x: Units, in context: Context) -> Units {
    guard case .rows(let rows) = x else { return x }
    return .rows(self(rows, in: context))
  }

  /// What a pass drops; nil where it drops nothing.
  func mask(in context: Context) -> DropoutMask? {
    guard rate > 0, case .training(let step, let seed) = context.mode else { return nil }
    var random = RandomStream(seed: seed, "dropout/\(path)", step)
    return DropoutMask(key: random.next(), rate: rate)
  }
}
