import Tensors

extension Context {
  private var kernels: any NADEKernels { backend as? any NADEKernels ?? backend.fallBack("nade") }

  /// Logits `[N, D, K]` of NADE (Larochelle and Murray 2011, equations 9–11), O(D·H·K) an image:
  /// the activation c + Σ_{e<d} x_e W_e runs along d instead of being summed anew. With a memory, the
  /// logits `[N, 1, K]` of the next sub-pixel, x being those that were not yet told.
  /// x `[N, D]`, w `[D, H]`, c `[H]`, v `[D, K, H]`, b `[D, K]`; units are sigmoids or
  /// rectified. With classes each has a row `[H]` that is added to c.
  public func nade(
    _ x: Variable, w: Parameter, c: Parameter, v: Parameter, b: Parameter,
    units: Activation = .sigmoid, classes bias: ClassBias? = nil, of labels: [Int]? = nil
  ) -> Variable {
    let classes = bias.map { NADEClasses($0, of: labels, in: self) }
    guard tape == nil else {
      let (w, c, v, b) = (variable(w), variable(c), variable(v), variable(b))
      guard let classes else { return nade(x, w: w, c: c, v: v, b: b, units) }
      let all = nade(
        classes.before(x, in: self), w: classes.above(w, in: self), c: c,
        v: classes.zerosAbove(v, in: self), b: classes.zerosAbove(b, in: self), units)
      return classes.after(all, in: self)
    }
    let nade = prepared.form("nade", of: w) {
      let kernels = kernels
      guard let classes else {
        return PreparedNADE(
          kernels: kernels,
          weights: kernels.prepareNADE(
            w: w.value, c: c.value, v: v.value, b: b.value, units: units))
      }
      return PreparedNADE(
        kernels: kernels,
        weights: kernels.prepareNADE(
          w: classes.bias.weight.value.above(w.value), c: c.value,
          v: classes.zeros(like: v.value).above(v.value),
          b: classes.zeros(like: b.value).above(b.value), units: units))
    }
    guard memory == nil else { return nadeNext(x.value, nade, of: w, classes) }
    let told = classes?.before(x, in: self) ?? x
    let logits = Variable(Tensor([x.shape[0], told.shape[1], nade.weights.outputs], wide))
    nade.kernels.nade(told.value, nade.weights, into: logits.value)
    return classes?.after(logits, in: self) ?? logits
  }

  private func nadeNext(
    _ x: Tensor, _ nade: PreparedNADE, of w: Parameter, _ classes: NADEClasses?
  ) -> Variable {
    guard let memory else { preconditionFailure("the next of what?") }
    let (kernels, weights) = (nade.kernels, nade.weights)
    let state = memory.state(of: w) {
      let state = kernels.nadeState(weights, images: memory.images)
      for index in 0..<(classes?.count ?? 0) {
        kernels.nadeObserve(weights, index, classes!.told.step(index), state)
      }
      return state
    }
    let (told, known) = (x.shape[1], memory.known + (classes?.count ?? 0))
    for i in 0..<told { kernels.nadeObserve(weights, known - told + i, x.step(i), state) }
    let logits = Tensor([memory.images, 1, weights.outputs], wide)
    kernels.nadeNext(
      weights, known, state, into: logits.reshaped([memory.images, weights.outputs]))
    return Variable(logits)
  }

  /// The same with its way back.
  private func nade(
    _ x: Variable, w: Variable, c: Variable, v: Variable, b: Variable, _ units: Activation
  ) -> Variable {
    let logits = Tensor([x.shape[0], x.shape[1], v.shape[1]], wide)
    kernels.nade(
      x.value, w: w.value, c: c.value, v: v.value, b: b.value, units: units, into: logits)
    return record(logits, from: [x, w, c, v, b]) { [self] dy, gradients in
      let dlogits = converted(dy, to: wide)
      let dw = Tensor(w.shape, wide)
      let dc = Tensor(c.shape, wide)
      let dv = Tensor(v.shape, wide)
      let db = Tensor(b.shape, wide)
      kernels.nadeGradient(
        dlogits, x.value, w: w.value, c: c.value, v: v.value, units: units, dw: dw, dc: dc,
        dv: dv, db: db)
      if x.slot != nil {
        let dx = Tensor(x.shape, wide)
        kernels.nadeInputGradient(
          dlogits, x.value, w: w.value, c: c.value, v: v.value, units: units, into: dx)
        gradients.add(dx, to: x.slot)
      }
      gradients.add(dw, to: w.slot)
      gradients.add(dc, to: c.slot)
      gradients.add(dv, to: v.slot)
      gradients.add(db, to: b.slot)
    }
  }
}

/// Weights beside the kernels that they were prepared for: to look for these at each step takes a twentieth
/// of it.
private struct PreparedNADE: Sendable {
  let kernels: any NADEKernels
  let weights: NADEWeights
}
