extension Context {
  /// Logits `[N, D, K]` of NADE (Larochelle and Murray 2011, equations 9–11), O(D·H·K) an image:
  /// the activation c + Σ_{e<d} x_e W_e runs along d instead of being summed anew.
  /// x `[N, D]`, w `[D, H]`, c `[H]`, v `[D, K, H]`, b `[D, K]`.
  public func nade(
    _ x: Tensor, w: Variable, c: Variable, v: Variable, b: Variable
  ) -> Variable {
    let logits = Tensor([x.shape[0], x.shape[1], v.shape[1]], wide)
    backend.nade(x, w: w.value, c: c.value, v: v.value, b: b.value, into: logits)
    return record(logits, from: [w, c, v, b]) { [self] dy, gradients in
      let dlogits = converted(dy, to: wide)
      let dw = Tensor(w.shape, wide)
      let dc = Tensor(c.shape, wide)
      let dv = Tensor(v.shape, wide)
      let db = Tensor(b.shape, wide)
      backend.nadeGradient(
        dlogits, x, w: w.value, c: c.value, v: v.value, dw: dw, dc: dc, dv: dv, db: db)
      gradients.add(dw, to: w.slot)
      gradients.add(dc, to: c.slot)
      gradients.add(dv, to: v.slot)
      gradients.add(db, to: b.slot)
    }
  }
}
