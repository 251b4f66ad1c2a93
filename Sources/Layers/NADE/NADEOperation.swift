import Tensors

extension Context {
  private var kernels: any NADEKernels { backend as? any NADEKernels ?? backend.fallBack("nade") }

  /// Logits `[N, D, K]` of NADE (Larochelle and Murray 2011, equations 9–11), O(D·H·K) an image:
  /// the activation c + Σ_{e<d} x_e W_e runs along d instead of being summed anew. With a memory, the
  /// logits `[N, 1, K]` of the next sub-pixel, x being those that were not yet told.
  /// x `[N, D]`, w `[D, H]`, c `[H]`, v `[D, K, H]`, b `[D, K]`.
  public func nade(
    _ x: Variable, w: Parameter, c: Parameter, v: Parameter, b: Parameter
  ) -> Variable {
    guard tape == nil else {
      return nade(
        x, w: variable(w), c: variable(c), v: variable(v), b: variable(b))
    }
    let x = x.value
    let weights = prepared.form("nade", of: w) {
      kernels.prepareNADE(w: w.value, c: c.value, v: v.value, b: b.value)
    }
    guard let memory else {
      let logits = Tensor([x.shape[0], x.shape[1], weights.outputs], wide)
      kernels.nade(x, weights, into: logits)
      return Variable(logits)
    }
    let state = memory.state(of: w) { kernels.nadeState(weights, images: memory.images) }
    let told = x.shape[1]
    for i in 0..<told {
      kernels.nadeObserve(weights, memory.known - told + i, x.step(i), state)
    }
    let logits = Tensor([memory.images, 1, weights.outputs], wide)
    kernels.nadeNext(
      weights, memory.known, state, into: logits.reshaped([memory.images, weights.outputs]))
    return Variable(logits)
  }

  /// The same with its way back.
  private func nade(
    _ x: Variable, w: Variable, c: Variable, v: Variable, b: Variable
  ) -> Variable {
    let logits = Tensor([x.shape[0], x.shape[1], v.shape[1]], wide)
    kernels.nade(x.value, w: w.value, c: c.value, v: v.value, b: b.value, into: logits)
    return record(logits, from: [x, w, c, v, b]) { [self] dy, gradients in
      let dlogits = converted(dy, to: wide)
      let dw = Tensor(w.shape, wide)
      let dc = Tensor(c.shape, wide)
      let dv = Tensor(v.shape, wide)
      let db = Tensor(b.shape, wide)
      kernels.nadeGradient(
        dlogits, x.value, w: w.value, c: c.value, v: v.value, dw: dw, dc: dc, dv: dv, db: db)
      if x.slot != nil {
        let dx = Tensor(x.shape, wide)
        kernels.nadeInputGradient(
          dlogits, x.value, w: w.value, c: c.value, v: v.value, into: dx)
        gradients.add(dx, to: x.slot)
      }
      gradients.add(dw, to: w.slot)
      gradients.add(dc, to: c.slot)
      gradients.add(dv, to: v.slot)
      gradients.add(db, to: b.slot)
    }
  }
}
