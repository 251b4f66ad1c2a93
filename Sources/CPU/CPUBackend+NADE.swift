import CKernels
import COneDNN
import Layers
import Tensors

extension CPUBackend: NADEKernels {
  public func nade(_ x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, into logits: Tensor) {
    nade(x, prepareNADE(w: w, c: c, v: v, b: b), into: logits)
  }

  public func nadeGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor
  ) {
    exclusively {
      nadeGradientAlone(dlogits, x, w: w, c: c, v: v, dw: dw, dc: dc, dv: dv, db: db)
    }
  }

  public func nadeInputGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, into dx: Tensor
  ) {
    fallBack("nadeInputGradient").nadeInputGradient(dlogits, x, w: w, c: c, v: v, into: dx)
  }

  private func nadeGradientAlone(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor
  ) {
    let sizes = NADESizes(x: x, w: w, v: v)
    sumOfRows(dlogits, into: db)
    if sizes.outputs == 1 {
      let scratch = Tensor(
        [sl_nade_scratch_count(sizes.images, sizes.dimension, sizes.hidden, 1)], .float32)
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
    let states = Tensor([d, n, h], .float32)
    sl_nade_hidden(
      x.floats.baseAddress, w.floats.baseAddress, c.floats.baseAddress,
      states.floats.baseAddress, n, d, h)
    let dstates = Tensor(states.shape, .float32)
    defer { withExtendedLifetime((states, dstates)) {} }
    for i in 0..<d {
      let g = dlogits.floats.baseAddress! + i * k
      let row = i * n * h
      // dV_i = gᵀ · h_i
      require(
        dnnl_sgemm(
          CChar(UInt8(ascii: "T")), CChar(UInt8(ascii: "N")), Int64(k), Int64(h), Int64(n), 1, g,
          Int64(d * k), states.floats.baseAddress! + row, Int64(h), 0,
          dv.floats.baseAddress! + i * k * h, Int64(h)), "dnnl_sgemm")
      // dh_i = g · V_i
      require(
        dnnl_sgemm(
          CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "N")), Int64(n), Int64(h), Int64(k), 1, g,
          Int64(d * k), v.floats.baseAddress! + i * k * h, Int64(h), 0,
          dstates.floats.baseAddress! + row, Int64(h)), "dnnl_sgemm")
    }
    sl_nade_hidden_gradient(
      dstates.floats.baseAddress, states.floats.baseAddress, x.floats.baseAddress,
      dw.floats.baseAddress, dc.floats.baseAddress, n, d, h)
  }
}

extension CPUBackend {
  public func prepareNADE(w: Tensor, c: Tensor, v: Tensor, b: Tensor) -> NADEWeights {
    NADEWeights(w: w, c: c, v: v, b: b, packed: nil)
  }
  public func nade(_ x: Tensor, _ weights: NADEWeights, into logits: Tensor) {
    fallBack("nade").nade(x, weights, into: logits)
  }
  public func nadeState(_ weights: NADEWeights, images: Int) -> NADEState {
    fallBack("nade").nadeState(weights, images: images)
  }
  public func nadeNext(
    _ weights: NADEWeights, _ d: Int, _ state: NADEState, into logits: Tensor
  ) { fallBack("nade").nadeNext(weights, d, state, into: logits) }
  public func nadeObserve(
    _ weights: NADEWeights, _ d: Int, _ x: [Double], _ state: NADEState
  ) { fallBack("nade").nadeObserve(weights, d, x, state) }
}
