import CPU
import Testing

struct PeakTests {
  /// A default precision depends on it: the same command must train the same model every time.
  @Test(.enabled(if: CPUBackend.hasBFloat16, "bfloat16 is not measured where it is missing"))
  func theGainFromBFloat16IsMeasuredAlikeEveryTime() {
    for _ in 0..<20 {
      #expect(CPUBackend.measuresGainFromBFloat16() == CPUBackend.gainsFromBFloat16)
    }
  }
}
