import Tensors

/// The heads of a causal attention and what each reads.
public struct AttentionShape: Sendable, Hashable {
  /// Heads of queries.
  public let heads: Int
  /// Heads of keys and values, each for as many heads of queries in a row.
  public let groups: Int
  /// Components of a query and of a key, of one head.
  public let keys: Int
  /// Components of a value, of one head.
  public let values: Int

  /// - Parameter groups: A divisor of `heads`; nil: as many.
  public init(heads: Int, groups: Int? = nil, keys: Int, values: Int) {
    (self.heads, self.groups, self.keys, self.values) = (heads, groups ?? heads, keys, values)
    precondition(
      self.groups > 0 && heads % self.groups == 0,
      "\(heads) heads do not share \(self.groups) of keys evenly")
  }

  /// Heads of queries that one of keys and values serves.
  var share: Int { heads / groups }

  var queryWidth: Int { heads * keys }
  /// Of a position the keys of all groups, then their values.
  public var keyValueWidth: Int { groups * (keys + values) }
  var outputWidth: Int { heads * values }
}

/// The arithmetic of causal attention: position i attends to the positions up to its own.
///
/// q is `[N, L, heads · keys]`, kv `[N, L, groups · (keys + values)]`, y `[N, L, heads · values]`. A
/// backend that has these kernels conforms; for any other the reference computes them.
public protocol AttentionKernels {
  /// - Parameter logSums: `[N, heads, L]`, wide: the logarithm of each softmax's sum.
  func attend(_ shape: AttentionShape, _ q: Tensor, _ kv: Tensor, into y: Tensor, logSums: Tensor)
  func attendGradient(
    _ shape: AttentionShape, _ dy: Tensor, _ q: Tensor, _ kv: Tensor, output y: Tensor,
    logSums: Tensor, dq: Tensor, dkv: Tensor)

  // MARK: One position after the other, the same bits

  /// What is kept of the keys and values of so many images, of at most `length` positions: a row an image.
  func attentionMemory(_ shape: AttentionShape, images: Int, length: Int, _ precision: Precision)
    -> Tensor
  /// Takes in the next position's kv `[N, …]` and attends from its q: y `[N, …]`.
  func attendNext(
    _ shape: AttentionShape, position: Int, length: Int, _ q: Tensor, _ kv: Tensor,
    memory: Tensor, into y: Tensor)
}

/// The arithmetic of what stands between attentions.
///
/// A backend that has these kernels conforms; for any other the reference computes them.
public protocol NormalisationKernels {
  /// y = gain (x − mean) / √(variance + ε) + bias, each row of x by itself; gain and bias are wide.
  func normalise(_ x: Tensor, gain: Tensor, bias: Tensor, epsilon: Double, into y: Tensor)
  func normaliseGradient(
    _ dy: Tensor, _ x: Tensor, gain: Tensor, epsilon: Double, dx: Tensor, dgain: Tensor,
    dbias: Tensor)
  /// y = x σ(2 √(2/π) (x + 0.044715 x³)).
  func gelu(_ x: Tensor, into y: Tensor)
  func geluGradient(_ dy: Tensor, _ x: Tensor, into dx: Tensor)
}
