import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct NADETests {
  let backend = ReferenceBackend()

  /// NADE by its definition, h_d summed anew for every d: O(D² H).
  @Test(arguments: [1, 3])
  func nade(_ outputs: Int) {
    let (n, d, h) = (2, 5, 4)
    let (x, w, c) = (
      randomTensor([n, d]), randomTensor([d, h], .float64, "w"), randomTensor([h], .float64, "c")
    )
    let v = randomTensor([d, outputs, h], .float64, "v")
    let b = randomTensor([d, outputs], .float64, "b")
    var expected: [Double] = []
    for image in 0..<n {
      for i in 0..<d {
        for k in 0..<outputs {
          var logit = b.element(i * outputs + k)
          for j in 0..<h {
            let a = (0..<i).reduce(c.element(j)) {
              $0 + x.element(image * d + $1) * w.element($1 * h + j)
            }
            logit += v.element((i * outputs + k) * h + j) / (1 + exp(-a))
          }
          expected.append(logit)
        }
      }
    }
    let logits = Tensor([n, d, outputs], .float64)
    backend.nade(x, w: w, c: c, v: v, b: b, units: .sigmoid, into: logits)
    expectClose(logits.values, expected, tolerance: 1e-14)
  }

  @Test(arguments: [1, 3])
  func gradients(_ outputs: Int) {
    let x = randomParameter("x", [2, 4])
    // A zero takes another way through the fast kernel, so the reference is to know it too.
    x.value.set(1, to: 0)
    let w = randomParameter("w", [4, 3])
    let c = randomParameter("c", [3])
    let v = randomParameter("v", [4, outputs, 3])
    let b = randomParameter("b", [4, outputs])
    expectGradients(in: [x, w, c, v, b]) { context in
      // Without a tape the evaluation's kernels run, which must say the same.
      context.nade(context.variable(x), w: w, c: c, v: v, b: b)
    }
  }
}
