import Tensors

/// Gated units (van den Oord et al. 2016b, arXiv:1606.05328, equation 2): y = tanh(t) ∘ σ(s), with
/// dropout on y while training.
///
/// Units belong to colours in equal contiguous groups, and so do the 2h channels that they are made of:
/// of each group first all t, then all s.
public struct Gate {
  let groups: Int
  let dropout: Dropout

  /// - Parameter groups: a divisor of the units.
  public init(groups: Int, dropout: Double, at scope: Scope) {
    self.groups = groups
    self.dropout = Dropout(dropout, at: scope)
  }

  /// `[N, H, W, 2h]` → `[N, H, W, h]`.
  public func callAsFunction(_ a: Variable, in context: Context) -> Variable {
    context.gate(a, groups: groups, dropout: dropout.mask(in: context))
  }
}

extension Context {
  private var gatedKernels: any GatedKernels { backend as? any GatedKernels ?? ReferenceBackend() }

  func gate(_ a: Variable, groups: Int, dropout: DropoutMask? = nil) -> Variable {
    let shape = a.shape
    let units = shape[3] / 2
    precondition(
      shape[3] % (2 * groups) == 0, "\(shape[3]) channels are no gates in \(groups) groups")
    let y = Tensor([shape[0], shape[1], shape[2], units], a.value.precision)
    gatedKernels.gate(a.value, width: units / groups, dropout: dropout, into: y)
    return record(y, from: [a]) { [self] dy, gradients in
      let da = Tensor(shape, a.value.precision)
      gatedKernels.gateGradient(
        converted(dy, to: da.precision), a.value, width: units / groups, dropout: dropout, into: da)
      gradients.add(da, to: a.slot)
    }
  }
}
