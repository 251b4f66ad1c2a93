import OneDNN
import Testing

struct PeakTests {
  /// A default precision depends on it: the same command must train the same model every time.
  @Test(.enabled(if: OneDNNBackend.hasBFloat16, "bfloat16 is not measured where it is missing"))
  func theGainFromBFloat16IsMeasuredAlikeEveryTime() {
    for _ in 0..<20 {
      #expect(OneDNNBackend.measuresGainFromBFloat16() == OneDNNBackend.gainsFromBFloat16)
    }
  }
}
