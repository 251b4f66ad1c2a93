import Foundation
import Tensors

extension ReferenceBackend: GatedKernels {
  public func gate(_ a: Tensor, width: Int, dropout: DropoutMask?, into y: Tensor) {
    let values = a.values
    y.write(
      (0..<y.count).map { i in
        let t = i / width * 2 * width + i % width
        return share(dropout, i) * tanh(values[t]) * Activation.sigmoid.value(values[t + width])
      })
  }

  public func gateGradient(
    _ dy: Tensor, _ a: Tensor, width: Int, dropout: DropoutMask?, into da: Tensor
  ) {
    let values = a.values
    var gradient = [Double](repeating: 0, count: a.count)
    for (i, dy) in dy.values.enumerated() {
      let t = i / width * 2 * width + i % width
      let (y, s) = (tanh(values[t]), Activation.sigmoid.value(values[t + width]))
      gradient[t] = share(dropout, i) * dy * s * (1 - y * y)
      gradient[t + width] = share(dropout, i) * dy * y * s * (1 - s)
    }
    da.write(gradient)
  }

  private func share(_ dropout: DropoutMask?, _ element: Int) -> Double {
    dropout.map { $0.keeps(element) ? $0.scale : 0 } ?? 1
  }
}
