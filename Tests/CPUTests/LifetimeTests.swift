import CPU
import Foundation
import Synchronization
import Tensors
import TestSupport
import Testing

/// What a kernel copies for itself must live until it is done with it: memory given back too early
/// goes to whoever asks next, here a thread that asks all the time.
@Suite struct Lifetimes {
  private final class Flag: Sendable {
    let isSet = Mutex(false)
  }

  private func whileAnotherThreadWrites(_ shape: Shape, _ body: () -> Void) {
    let stop = Flag()
    let done = DispatchSemaphore(value: 0)
    Thread {
      while !stop.isSet.withLock({ $0 }) {
        let x = Tensor(shape, .float32)
        for i in 0..<x.count { x.floats[i] = 1e30 }
      }
      done.signal()
    }.start()
    body()
    stop.isSet.withLock { $0 = true }
    done.wait()
  }

  @Test func hiddenStatesOfNADE() {
    let (n, d, h, k) = (16, 20, 64, 3)
    let x = randomTensor([n, d], .float32, "x")
    let (w, c) = (randomTensor([d, h], .float32, "w"), randomTensor([h], .float32, "c"))
    let (v, b) = (randomTensor([d, k, h], .float32, "v"), randomTensor([d, k], .float32, "b"))
    let expected = Tensor([n, d, k], .float32)
    ReferenceBackend().nade(x, w: w, c: c, v: v, b: b, units: .sigmoid, into: expected)
    whileAnotherThreadWrites([d, n, h]) {
      for _ in 0..<800 {
        let logits = Tensor([n, d, k], .float32)
        CPUBackend.shared.nade(x, w: w, c: c, v: v, b: b, units: .sigmoid, into: logits)
        expectClose(logits.values, expected.values, tolerance: 1e-5)
      }
    }
  }

  @Test(.enabled(if: CPUBackend.hasBFloat16, "this processor does not multiply bfloat16"))
  func narrowedGradientOfLogits() {
    let shape: Shape = [4, 9, 9, 16]
    let dy = Tensor(shape, .float32, values: [Double](repeating: 1, count: shape.count))
    let w = Tensor([16, 16, 1, 1], .float32, values: [Double](repeating: 0.5, count: 256))
    whileAnotherThreadWrites([2, 9, 9, 16]) {
      for _ in 0..<800 {
        let dx = Tensor(shape, .bfloat16)
        CPUBackend.shared.convolutionInputGradient(
          dy, weights: w, .pointwise, rectified: nil, accumulating: false, into: dx)
        #expect(dx.values.allSatisfy { $0 == 8 })
      }
    }
  }
}
