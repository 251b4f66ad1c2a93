import CKernels
import COneDNN
import Layers
import Tensors

extension CPUBackend: NADEKernels {
  public func nade(
    _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, units: Activation,
    into logits: Tensor
  ) {
    nade(x, prepareNADE(w: w, c: c, v: v, b: b, units: units), into: logits)
  }

  public func nadeGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, units: Activation,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor
  ) {
    exclusively {
      nadeGradientAlone(
        dlogits, x, w: w, c: c, v: v, units: units, dw: dw, dc: dc, dv: dv, db: db)
    }
  }

  public func nadeInputGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, units: Activation,
    into dx: Tensor
  ) {
    let sizes = NADESizes(x: x, w: w, v: v)
    exclusively {
      let states = hiddenStates(x, w: w, c: c, units, sizes)
      let dstates = hiddenGradients(dlogits, v: v, sizes)
      sl_nade_input_gradient(
        dstates.floats.baseAddress, states.floats.baseAddress, w.floats.baseAddress,
        dx.floats.baseAddress, sizes.images, sizes.dimension, sizes.hidden,
        units.isRectified)
      keepAlive(states, dstates)
    }
  }

  private func nadeGradientAlone(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, units: Activation,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor
  ) {
    let sizes = NADESizes(x: x, w: w, v: v)
    sumOfRows(dlogits, into: db)
    if sizes.outputs == 1, units == .sigmoid {
      let scratch = Tensor(
        [sl_nade_scratch_count(sizes.images, sizes.dimension, sizes.hidden)], .float32)
      defer { withExtendedLifetime(scratch) {} }
      sl_nade_gradient(
        dlogits.floats.baseAddress, x.floats.baseAddress, w.floats.baseAddress,
        c.floats.baseAddress, v.floats.baseAddress, dw.floats.baseAddress,
        dc.floats.baseAddress, dv.floats.baseAddress, sizes.images, sizes.dimension,
        sizes.hidden, scratch.floats.baseAddress)
      return
    }
    let (n, d, k, h) = (sizes.images, sizes.dimension, sizes.outputs, sizes.hidden)
    // Computed again: kept from the forward pass they would be the largest tensor of all.
    let states = hiddenStates(x, w: w, c: c, units, sizes)
    // dV_i = gᵀ · h_i
    for i in 0..<d {
      require(
        dnnl_sgemm(
          CChar(UInt8(ascii: "T")), CChar(UInt8(ascii: "N")), Int64(k), Int64(h), Int64(n), 1,
          dlogits.floats.baseAddress! + i * k, Int64(d * k),
          states.floats.baseAddress! + i * n * h, Int64(h), 0,
          dv.floats.baseAddress! + i * k * h, Int64(h)), "dnnl_sgemm")
    }
    let dstates = hiddenGradients(dlogits, v: v, sizes)
    sl_nade_hidden_gradient(
      dstates.floats.baseAddress, states.floats.baseAddress, x.floats.baseAddress,
      dw.floats.baseAddress, dc.floats.baseAddress, n, d, h, units.isRectified)
    keepAlive(states, dstates)
  }

  /// h `[D, N, H]`.
  private func hiddenStates(
    _ x: Tensor, w: Tensor, c: Tensor, _ units: Activation, _ sizes: NADESizes
  ) -> Tensor {
    let states = Tensor([sizes.dimension, sizes.images, sizes.hidden], .float32)
    sl_nade_hidden(
      x.floats.baseAddress, w.floats.baseAddress, c.floats.baseAddress,
      states.floats.baseAddress, sizes.images, sizes.dimension, sizes.hidden,
      units.isRectified)
    return states
  }

  /// dh_i = g · V_i, `[D, N, H]`.
  private func hiddenGradients(_ dlogits: Tensor, v: Tensor, _ sizes: NADESizes) -> Tensor {
    let (n, d, k, h) = (sizes.images, sizes.dimension, sizes.outputs, sizes.hidden)
    let gradients = Tensor([d, n, h], .float32)
    for i in 0..<d {
      require(
        dnnl_sgemm(
          CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "N")), Int64(n), Int64(h), Int64(k), 1,
          dlogits.floats.baseAddress! + i * k, Int64(d * k),
          v.floats.baseAddress! + i * k * h, Int64(h), 0,
          gradients.floats.baseAddress! + i * n * h, Int64(h)), "dnnl_sgemm")
    }
    return gradients
  }
}

/// One dimension after the other, or all of them: the same bits.
extension CPUBackend {
  public func prepareNADE(
    w: Tensor, c: Tensor, v: Tensor, b: Tensor, units: Activation
  ) -> NADEWeights {
    let (d, h) = (w.shape[0], w.shape[1])
    // With several outputs a dimension, or rectified units, the weights are read as they are.
    guard v.shape[1] == 1, units == .sigmoid else {
      return NADEWeights(w: w, c: c, v: v, b: b, units: units, packed: nil)
    }
    let packed = Tensor([sl_nade_packed_count(d, h)], .float32)
    exclusively {
      sl_nade_pack(
        w.floats.baseAddress, c.floats.baseAddress, v.floats.baseAddress, d, h,
        packed.floats.baseAddress)
    }
    keepAlive(w, c, v)
    return NADEWeights(w: w, c: c, v: v, b: b, units: units, packed: packed)
  }

  public func nade(_ x: Tensor, _ weights: NADEWeights, into logits: Tensor) {
    let (n, d, h) = (x.shape[0], weights.dimension, weights.hidden)
    exclusively {
      if let packed = weights.packed {
        let scratch = Tensor([sl_nade_packed_scratch_count(n, d)], .float32)
        sl_nade_packed(
          x.floats.baseAddress, packed.floats.baseAddress, weights.b.floats.baseAddress,
          logits.floats.baseAddress, n, d, h, scratch.floats.baseAddress)
        withExtendedLifetime(scratch) {}
      } else {
        sl_nade_levels(
          x.floats.baseAddress, weights.w.floats.baseAddress, weights.c.floats.baseAddress,
          weights.v.floats.baseAddress, weights.b.floats.baseAddress, logits.floats.baseAddress, n,
          d, h, weights.outputs, weights.isRectified)
      }
    }
    keepAlive(x, weights, logits)
  }

  public func nadeState(_ weights: NADEWeights, images: Int) -> NADEState {
    defer { withExtendedLifetime(weights) {} }
    let (d, h) = (weights.dimension, weights.hidden)
    if let packed = weights.packed {
      let state = Tensor([images, sl_nade_state_count(1, h)], .float32)
      sl_nade_start(packed.floats.baseAddress, d, h, images, state.floats.baseAddress)
      return NADEState(.rows(state))
    }
    let lanes = SideBySide(elements: 1, images: images, .float32).lanes
    let state = SideBySide(
      elements: sl_nade_levels_state_count(h, lanes) / lanes, images: images, .float32)
    sl_nade_levels_start(
      weights.c.floats.baseAddress, h, lanes, weights.isRectified,
      state.values.floats.baseAddress)
    return NADEState(.sideBySide(state))
  }

  public func nadeNext(
    _ weights: NADEWeights, _ d: Int, _ state: NADEState, into logits: Tensor
  ) {
    let (dimension, h) = (weights.dimension, weights.hidden)
    switch state.form {
    case .rows(let rows):
      sl_nade_next(
        weights.packed!.floats.baseAddress, weights.b.floats.baseAddress, dimension, h, d,
        rows.shape[0], rows.floats.baseAddress, logits.floats.baseAddress)
    case .sideBySide(let values):
      let result = SideBySide(elements: weights.outputs, images: values.images, .float32)
      sl_nade_levels_next(
        weights.v.floats.baseAddress, weights.b.floats.baseAddress, h, weights.outputs, d,
        values.lanes, values.values.floats.baseAddress, result.values.floats.baseAddress)
      rows(of: result, into: logits)
    }
    keepAlive(weights, state, logits)
  }

  public func nadeObserve(
    _ weights: NADEWeights, _ d: Int, _ x: Tensor, _ state: NADEState
  ) {
    switch state.form {
    case .rows(let rows):
      sl_nade_observe(
        weights.packed!.floats.baseAddress, weights.dimension, weights.hidden, d, x.count,
        x.floats.baseAddress, rows.floats.baseAddress)
    case .sideBySide(let values):
      let lanes = Array(x.floats) + [Float](repeating: 0, count: values.lanes - x.count)
      sl_nade_levels_observe(
        weights.w.floats.baseAddress, weights.hidden, d, values.lanes, lanes,
        weights.isRectified, values.values.floats.baseAddress)
    }
    keepAlive(weights, x, state)
  }
}

extension Activation {
  /// As the kernels are told it.
  fileprivate var isRectified: Int32 { self == .relu ? 1 : 0 }
}

extension NADEWeights {
  fileprivate var isRectified: Int32 { units.isRectified }
}
