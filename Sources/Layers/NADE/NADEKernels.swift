import Tensors

/// The arithmetic of NADE: h_d = f(c + Σ_{e<d} x_e W_e), logits_d = V_d h_d + b_d, f the sigmoid or a
/// rectifier, `units`.
///
/// A backend that has these kernels conforms; for any other the reference computes them, which is
/// counted.
public protocol NADEKernels: Sendable {
  /// Logits `[N, D, K]` of x `[N, D]`, w `[D, H]`, c `[H]`, v `[D, K, H]`, b `[D, K]`.
  func nade(
    _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, units: Activation,
    into logits: Tensor)
  /// The gradients of `nade` in w, c, v and b.
  func nadeGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, units: Activation,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor)

  /// The gradient of `nade` in x.
  func nadeInputGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, units: Activation,
    into dx: Tensor)

  // MARK: Evaluation, all sub-pixels or the next: the same bits

  func prepareNADE(w: Tensor, c: Tensor, v: Tensor, b: Tensor, units: Activation) -> NADEWeights
  /// Logits `[N, D, K]` of all sub-pixels.
  func nade(_ x: Tensor, _ weights: NADEWeights, into logits: Tensor)
  /// The running activation before the first sub-pixel.
  func nadeState(_ weights: NADEWeights, images: Int) -> NADEState
  /// Logits `[N, K]` of sub-pixel d.
  func nadeNext(_ weights: NADEWeights, _ d: Int, _ state: NADEState, into logits: Tensor)
  /// Adds the intensities x `[N]` of sub-pixel d to the running activation.
  func nadeObserve(_ weights: NADEWeights, _ d: Int, _ x: Tensor, _ state: NADEState)
}

/// NADE's weights as the kernels read them.
public struct NADEWeights: @unchecked Sendable {
  public let w: Tensor  // [D, H]
  public let c: Tensor  // [H]
  public let v: Tensor  // [D, K, H]
  public let b: Tensor  // [D, K]
  public let units: Activation
  /// In the kernels' own layout; nil where those read the above.
  public let packed: Tensor?

  public init(
    w: Tensor, c: Tensor, v: Tensor, b: Tensor, units: Activation, packed: Tensor?
  ) {
    (self.w, self.c, self.v, self.b, self.packed) = (w, c, v, b, packed)
    self.units = units
  }

  public var dimension: Int { w.shape[0] }
  public var hidden: Int { w.shape[1] }
  public var outputs: Int { v.shape[1] }
}

/// The running activation of some images.
public final class NADEState: LayerState {
  /// How a backend keeps it.
  public enum Form {
    /// A row an image.
    case rows(Tensor)
    case sideBySide(SideBySide)
  }
  public let form: Form

  public init(_ form: Form) { self.form = form }

  public func copy(of images: [Int]) -> NADEState {
    switch form {
    case .rows(let rows): NADEState(.rows(rows.copy(ofRows: images)))
    case .sideBySide(let values): NADEState(.sideBySide(values.copy(of: images)))
    }
  }
}
