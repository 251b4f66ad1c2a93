import CKernels
import Tensors

extension OneDNNBackend {
  /// GFLOP/s of multiply-adds in registers, the most that any kernel could reach on as many threads;
  /// nil where the processor lacks AVX-512 (or its bfloat16).
  /// - Parameter repeats: of some ten milliseconds each; the best counts.
  public func registerPeak(_ precision: Precision, repeats: Int = 20) -> Double? {
    let half = precision == .bfloat16
    guard precision != .float64, half ? Self.hasBFloat16 : Self.hasAVX512 else { return nil }
    return exclusively {
      var best = 0.0
      for _ in 0..<repeats {
        let start = ContinuousClock.now
        let multiplyAdds = sl_peak(half ? 1 : 0, 2_000_000)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        best = max(best, 2 * Double(multiplyAdds) / seconds / 1e9)
      }
      return best
    }
  }
}
