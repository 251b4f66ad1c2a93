import CPU
import Foundation
import Tensors
import TestSupport
import Testing

/// Each in a process of its own: the number of threads belongs to all of a process.
@Suite struct Threads {
  /// One case in five is enough here, and waiting threads make more of them slow on a busy machine.
  @Test func everyKernelGivesTheSameOnOneThreadAndOnTwo() async {
    await #expect(processExitsWith: .success) {
      let backend = CPUBackend.shared
      let kernels = stride(from: 0, to: KernelCase.all.count, by: 5).map { KernelCase.all[$0] }
        .filter { $0.precision == .float32 || CPUBackend.hasBFloat16 }
      backend.threads = 1
      let one = kernels.map { $0.run(backend) }
      backend.threads = 2
      for (kernel, one) in zip(kernels, one) {
        for (a, b) in zip(kernel.run(backend), one) {
          expectClose(
            a.values, b.values, tolerance: a.precision == .bfloat16 ? 0x1p-8 : 1e-5, floor: 1e-30,
            kernel.testDescription)
        }
      }
    }
  }

  /// OpenMP keeps the number by calling thread; ours holds for whoever calls.
  @Test func theNumberOfThreadsHoldsForEveryCaller() async {
    await #expect(processExitsWith: .success) {
      let backend = CPUBackend.shared
      backend.threads = 3
      let done = DispatchSemaphore(value: 0)
      Thread {
        #expect(CPUBackend.shared.threads == 3)
        done.signal()
      }.start()
      done.wait()
    }
  }

  /// Sums have a place a thread, and as many as that.
  @Test func aNumberOutOfRangeTraps() async {
    await #expect(processExitsWith: .failure) { CPUBackend.shared.threads = 0 }
    await #expect(processExitsWith: .failure) { CPUBackend.shared.threads = 1025 }
  }
}
