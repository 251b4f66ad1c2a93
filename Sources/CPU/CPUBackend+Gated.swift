import CKernels
import Layers
import Tensors

extension CPUBackend: GatedKernels {
  public func gate(_ a: Tensor, width: Int, dropout: DropoutMask?, into y: Tensor) {
    exclusively {
      withMask(dropout) {
        sl_gate(
          a.pointer, y.pointer, y.count / width, width, $0, y.precision == .bfloat16 ? 1 : 0)
      }
    }
    keepAlive(a, y)
  }

  public func gateGradient(
    _ dy: Tensor, _ a: Tensor, width: Int, dropout: DropoutMask?, into da: Tensor
  ) {
    exclusively {
      withMask(dropout) {
        sl_gate_gradient(
          dy.pointer, a.pointer, da.pointer, dy.count / width, width, $0,
          da.precision == .bfloat16 ? 1 : 0)
      }
    }
    keepAlive(dy, a, da)
  }

  private func withMask(
    _ mask: DropoutMask?, _ body: (UnsafePointer<sl_dropout>?) -> Void
  ) {
    guard let mask else { return body(nil) }
    var kernelMask = sl_dropout(
      key: mask.key, threshold: mask.threshold, scale: Float(mask.scale))
    body(&kernelMask)
  }
}
