/// Which elements of a tensor dropout keeps (Srivastava et al. 2014, JMLR 15:1929): a function of the
/// key and an element's place, so that nothing is stored and the way back finds the same mask.
public struct DropoutMask: Sendable {
  public let key: UInt64
  /// An element is kept where its 32-bit draw is at least this.
  public let threshold: UInt32
  /// What kept elements are multiplied by: 1 / (1 − rate).
  public let scale: Double

  /// - Parameter rate: the probability of being dropped, 0 ≤ rate < 1.
  public init(key: UInt64, rate: Double) {
    precondition(rate >= 0 && rate < 1, "a dropout rate is 0 ≤ rate < 1, found \(rate)")
    self.key = key
    threshold = UInt32(rate * 0x1p32)
    scale = 1 / (1 - rate)
  }

  /// Whether the element at `index` of the flat tensor is kept.
  public func keeps(_ index: Int) -> Bool {
    func mixed(_ word: UInt32) -> UInt32 {
      var x = word
      x = (x ^ (x >> 16)) &* 0x7feb_352d
      x = (x ^ (x >> 15)) &* 0x846c_a68b
      return x ^ (x >> 16)
    }
    let low = UInt32(truncatingIfNeeded: key)
    let high = UInt32(truncatingIfNeeded: key >> 32)
    return mixed(mixed(UInt32(truncatingIfNeeded: index) ^ low) ^ high) >= threshold
  }
}
