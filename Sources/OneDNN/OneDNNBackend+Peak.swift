import CKernels
import Tensors

extension OneDNNBackend {
  /// Whether multiply-adds of bfloat16 are faster here than those of float32, as measured once in some
  /// milliseconds: an instruction for them is no promise. Zen 5 does twice as many, a Xeon without AMX
  /// half as many.
  public static let gainsFromBFloat16: Bool = {
    guard hasBFloat16 else { return false }
    func best(_ precision: Precision) -> Double {
      shared.registerPeak(precision, repeats: 10, iterations: 20_000) ?? 0
    }
    return best(.bfloat16) > best(.float32)
  }()

  /// nil where the processor lacks AVX-512, or its bfloat16.
  public func registerPeak(_ precision: Precision) -> Double? {
    registerPeak(precision, repeats: 20, iterations: 2_000_000)
  }

  /// The best of some repeats; an iteration is sixteen multiply-adds a thread, two million take some
  /// ten milliseconds.
  private func registerPeak(_ precision: Precision, repeats: Int, iterations: Int) -> Double? {
    let half = precision == .bfloat16
    guard precision != .float64, half ? Self.hasBFloat16 : Self.hasAVX512 else { return nil }
    return exclusively {
      var best = 0.0
      for _ in 0..<repeats {
        let start = ContinuousClock.now
        let multiplyAdds = sl_peak(half ? 1 : 0, iterations)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        best = max(best, 2 * Double(multiplyAdds) / seconds / 1e9)
      }
      return best
    }
  }
}
