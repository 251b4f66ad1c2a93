import CPU
import Tensors
import TestSupport
import Testing

/// Every kernel of the fast backend against the reference, on the same numbers.
@Suite struct EveryKernel {
  static let float32 = KernelCase.all.filter { $0.precision == .float32 }
  static let bfloat16 = KernelCase.all.filter { $0.precision == .bfloat16 }

  @Test(arguments: float32)
  func equalsReference(_ kernel: KernelCase) {
    check(kernel)
  }

  @Test(
    .enabled(if: CPUBackend.hasBFloat16, "this processor does not multiply bfloat16"),
    arguments: bfloat16)
  func equalsReferenceInBFloat16(_ kernel: KernelCase) {
    check(kernel)
  }

  /// float32 results come from exactly the reference's inputs, so only sums differ; a bfloat16 result
  /// is rounded to 8 bits.
  private func check(_ kernel: KernelCase) {
    let found = kernel.run(CPUBackend.shared)
    let expected = kernel.run(ReferenceBackend())
    #expect(found.count == expected.count)
    for (index, (a, b)) in zip(found, expected).enumerated() {
      #expect(a.shape == b.shape)
      expectClose(
        a.values, b.values,
        tolerance: a.precision == .bfloat16 ? Double(kernel.roundings) * 0x1p-8 : 1e-5,
        floor: kernel.terms,
        "result \(index)")
    }
  }

  @Test(
    "the same call gives the same bits",
    arguments: KernelCase.all.filter { $0.precision == .float32 || CPUBackend.hasBFloat16 })
  func repeats(_ kernel: KernelCase) {
    let first = kernel.run(CPUBackend.shared)
    let second = kernel.run(CPUBackend.shared)
    for (a, b) in zip(first, second) { #expect(a.values == b.values) }
  }
}
