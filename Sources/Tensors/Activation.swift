/// A pointwise non-linearity that a kernel can apply while it writes.
public enum Activation: Sendable, Hashable {
  case identity
  /// max(x, 0)
  case relu
  /// 1 / (1 + exp(−x))
  case sigmoid
}
