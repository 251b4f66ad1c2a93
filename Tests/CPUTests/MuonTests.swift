import CPU
import Tensors
import Testing

@Suite struct MuonTests {
  /// The gradient of a dead layer is nothing, and its momentum decays to numbers too small to divide by.
  @Test func muonOfADeadLayer() {
    for backend in [ReferenceBackend() as any Backend, CPUBackend.shared] {
      let w = Tensor([2, 3], .float32)
      w.write([1, -2, 3, 4, -5, 6])
      let (m, average) = (Tensor([2, 3], .float32), Tensor.zeros([2, 3], .float32))
      m.write([1e-39, 2e-40, 0, 1e-44, -1e-39, 0])
      backend.muon(
        MuonStep(learningRate: 0.1, averageDecay: 0.5),
        [MuonMatrix(weights: w, gradient: .zeros([2, 3], .float32), momentum: m, average: average)])
      #expect(w.values == [1, -2, 3, 4, -5, 6], "\(backend.name)")
    }
  }
}
