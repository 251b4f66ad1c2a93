import CKernels
import Layers
import Tensors

extension CPUBackend: ClassKernels {
  public func addBias(_ bias: Tensor, each: Int, to x: Tensor, into y: Tensor) {
    let width = bias.shape[1]
    precondition(
      x.precision == y.precision && x.count == y.count && x.count % width == 0,
      "no bias of \(bias.shape) for \(x.shape)")
    exclusively {
      sl_add_bias(
        bias.floats.baseAddress, bias.shape[0], each, x.pointer, y.pointer, x.count / width, width,
        y.precision == .bfloat16 ? 1 : 0)
    }
    keepAlive(bias, x, y)
  }
}
