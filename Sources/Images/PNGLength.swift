import Dispatch
import Synchronization

extension DataSet {
  /// Mean length of the images as optimised PNG files, bits a sub-pixel, headers included: what a
  /// density over the same 8-bit values has to beat.
  public var optimisedPNGBitsPerDimension: Double {
    let bytes = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: count) { index in
      bytes.add(image(at: index).optimisedPNGByteCount, ordering: .relaxed)
    }
    return 8 * Double(bytes.load(ordering: .relaxed)) / Double(count * dimension)
  }
}
