import CKernels
import COneDNN
import Tensors

extension CPUBackend {
  public func nade(_ x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, into logits: Tensor) {
    exclusively { nadeAlone(x, w: w, c: c, v: v, b: b, into: logits) }
  }

  private func nadeAlone(
    _ x: Tensor, w: Tensor, c: Tensor, v: Tensor, b: Tensor, into logits: Tensor
  ) {
    let sizes = NADESizes(x: x, w: w, v: v)
    if sizes.outputs == 1 {
      let scratch = scratch(sizes, gradient: false)
      defer { withExtendedLifetime(scratch) {} }
      sl_nade(
        x.floats.baseAddress, w.floats.baseAddress, c.floats.baseAddress, v.floats.baseAddress,
        b.floats.baseAddress, logits.floats.baseAddress, sizes.images, sizes.dimension,
        sizes.hidden, scratch.floats.baseAddress)
      return
    }
    let (n, d, k, h) = (sizes.images, sizes.dimension, sizes.outputs, sizes.hidden)
    let states = hiddenStates(x, w: w, c: c, sizes)
    defer { withExtendedLifetime(states) {} }
    for i in 0..<d {
      let target = logits.floats.baseAddress! + i * k
      for image in 0..<n {
        (target + image * d * k).update(from: b.floats.baseAddress! + i * k, count: k)
      }
      // logits[:, i] += h_i · V_iᵀ
      require(
        dnnl_sgemm(
          CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "T")), Int64(n), Int64(k), Int64(h), 1,
          states.floats.baseAddress! + i * n * h, Int64(h), v.floats.baseAddress! + i * k * h,
          Int64(h), 1, target, Int64(d * k)), "dnnl_sgemm")
    }
  }

  public func nadeGradient(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor
  ) {
    exclusively {
      nadeGradientAlone(dlogits, x, w: w, c: c, v: v, dw: dw, dc: dc, dv: dv, db: db)
    }
  }

  private func nadeGradientAlone(
    _ dlogits: Tensor, _ x: Tensor, w: Tensor, c: Tensor, v: Tensor,
    dw: Tensor, dc: Tensor, dv: Tensor, db: Tensor
  ) {
    let sizes = NADESizes(x: x, w: w, v: v)
    sumOfRows(dlogits, into: db)
    if sizes.outputs == 1 {
      let scratch = scratch(sizes, gradient: true)
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
    let states = hiddenStates(x, w: w, c: c, sizes)
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

  /// From the tensors' pool: the system would hand out and clear fresh pages in each call.
  private func scratch(_ sizes: NADESizes, gradient: Bool) -> Tensor {
    let count = sl_nade_scratch_count(
      sizes.images, sizes.dimension, sizes.hidden, gradient ? 1 : 0)
    return Tensor([count], .float32)
  }

  /// h `[D, N, H]`.
  private func hiddenStates(_ x: Tensor, w: Tensor, c: Tensor, _ sizes: NADESizes) -> Tensor {
    let states = Tensor([sizes.dimension, sizes.images, sizes.hidden], .float32)
    sl_nade_hidden(
      x.floats.baseAddress, w.floats.baseAddress, c.floats.baseAddress,
      states.floats.baseAddress, sizes.images, sizes.dimension, sizes.hidden)
    return states
  }
}
