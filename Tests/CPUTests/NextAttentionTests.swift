import CPU
import Layers
import Tensors
import TestSupport
import Testing

@Suite struct NextAttentionTests {
  /// Counts beside the kernels' vectors of sixteen keys, blocks of 64 and chunks of 512; of ten heads five
  /// share each key, which are four and another.
  @Test(
    "one position after the other has the bits of all at once",
    arguments: [Precision.float32, .bfloat16],
    [(1, 1, 1, 1), (2, 2, 3, 4), (3, 3, 16, 33), (4, 1, 16, 16), (10, 2, 3, 4)])
  func nextEqualsAll(
    _ precision: Precision, _ sizes: (heads: Int, groups: Int, keys: Int, values: Int)
  ) {
    let (images, length) = (2, 530)
    let shape = AttentionShape(
      heads: sizes.heads, groups: sizes.groups, keys: sizes.keys, values: sizes.values)
    let kernels: any AttentionKernels = CPUBackend.shared
    let (ofQ, ofY) = (sizes.heads * sizes.keys, sizes.heads * sizes.values)
    let q = randomTensor([images, length, ofQ], precision, "q")
    let kv = randomTensor([images, length, shape.keyValueWidth], precision, "kv")
    let all = Tensor([images, length, ofY], precision)
    kernels.attend(
      shape, q, kv, into: all, logSums: Tensor([images, sizes.heads, length], .float32))
    let memory = kernels.attentionMemory(shape, images: images, length: length, precision)
    for position in 0..<length {
      func now(_ x: Tensor) -> Tensor {
        let width = x.shape[2]
        let values = (0..<images).flatMap { n in
          (0..<width).map { x.element((n * length + position) * width + $0) }
        }
        return Tensor([images, width], precision, values: values)
      }
      let y = Tensor([images, ofY], precision)
      kernels.attendNext(
        shape, position: position, length: length, now(q), now(kv), memory: memory, into: y)
      #expect(y.values == now(all).values, "position \(position)")
    }
  }
}
