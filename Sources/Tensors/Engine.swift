/// Where and how numbers are computed: what every computation is handed.
public struct Engine: Sendable {
  /// The arithmetic, with its threads and its memory.
  public let backend: any Backend
  /// The precision of activations. Logits, log-probabilities and gradients of parameters are `wide`.
  public let precision: Precision

  public init(_ backend: any Backend, _ precision: Precision) {
    self.backend = backend
    self.precision = precision
  }

  /// float64 where everything is, float32 otherwise.
  public var wide: Precision { precision == .float64 ? .float64 : .float32 }

  /// Plain loops in double precision.
  public static let reference = Engine(ReferenceBackend(), .float64)
}
