import CKernels
import Tensors

extension CPUBackend {
  /// Whether multiply-adds of bfloat16 are faster here than those of float32, by a fifth or more, as
  /// measured once in some milliseconds: an instruction for them is no promise. Zen 5 does twice as many, a Xeon without AMX
  /// half as many.
  public static let gainsFromBFloat16 = hasBFloat16 && measuresGainFromBFloat16()

  /// On one thread, in turn, and the best of many short runs: the answer must be the same every time,
  /// and neither a pool that is still starting nor a neighbour slows all of them.
  private static func measuresGainFromBFloat16() -> Bool {
    shared.exclusively {
      sl_set_threads(1)
      var (half, single) = (0.0, 0.0)
      for _ in 0..<20 {
        half = max(half, registerRate(.bfloat16, iterations: 20_000))
        single = max(single, registerRate(.float32, iterations: 20_000))
      }
      return half > 1.2 * single
    }
  }

  /// GFLOP/s of all threads, the best of twenty runs of some ten milliseconds; nil where the processor
  /// lacks AVX2, or AVX-512's bfloat16.
  public func registerPeak(_ precision: Precision) -> Double? {
    guard precision != .float64, precision == .bfloat16 ? Self.hasBFloat16 : Self.hasAVX2 else {
      return nil
    }
    return exclusively {
      (0..<20).reduce(0) { best, _ in
        max(best, Self.registerRate(precision, iterations: 2_000_000))
      }
    }
  }

  /// GFLOP/s of multiply-adds that stay in registers; an iteration is fourteen a thread.
  private static func registerRate(_ precision: Precision, iterations: Int) -> Double {
    let start = ContinuousClock.now
    let multiplyAdds = sl_peak(precision == .bfloat16 ? 1 : 0, iterations)
    return 2 * Double(multiplyAdds) / ((ContinuousClock.now - start) / .seconds(1)) / 1e9
  }
}
