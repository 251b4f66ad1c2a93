import Tensors

/// The arithmetic of gated units: y = tanh(t) σ(s).
///
/// A backend that has these kernels conforms; for any other the reference computes them.
public protocol GatedKernels {
  /// y `[…, groups, width]` of a `[…, groups, 2, width]`, which holds the t of a group's units, then
  /// their s; under a dropout mask where there is one.
  func gate(_ a: Tensor, width: Int, dropout: DropoutMask?, into y: Tensor)
  /// da of dy.
  func gateGradient(_ dy: Tensor, _ a: Tensor, width: Int, dropout: DropoutMask?, into da: Tensor)
}
