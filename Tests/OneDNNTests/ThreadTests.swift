import Foundation
import OneDNN
import Tensors
import TestSupport
import Testing

/// Each in a process of its own: the number of threads belongs to all of a process.
@Suite struct Threads {
  @Test func everyKernelGivesTheSameOnOneThreadAndOnTwo() async {
    await #expect(processExitsWith: .success) {
      let backend = OneDNNBackend.shared
      for kernel in KernelCase.all where kernel.precision == .float32 || OneDNNBackend.hasBFloat16 {
        backend.threads = 1
        let one = kernel.run(backend)
        backend.threads = 2
        let two = kernel.run(backend)
        for (a, b) in zip(one, two) {
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
      let backend = OneDNNBackend.shared
      backend.threads = 3
      let done = DispatchSemaphore(value: 0)
      Thread {
        #expect(OneDNNBackend.shared.threads == 3)
        done.signal()
      }.start()
      done.wait()
    }
  }

  /// Sums have a place a thread, and as many as that.
  @Test func aNumberOutOfRangeTraps() async {
    await #expect(processExitsWith: .failure) { OneDNNBackend.shared.threads = 0 }
    await #expect(processExitsWith: .failure) { OneDNNBackend.shared.threads = 1025 }
  }
}
