import CKernels
import Foundation
import Testing

/// Zeroed memory on a cache line's border. It is not given back before its test's process ends, so that
/// a pointer into it outlives the value.
struct Memory {
  let start: UnsafeMutableRawPointer
  let bytes: Int

  init(bytes: Int) {
    self.bytes = bytes
    start = .allocate(byteCount: max(bytes, 64), alignment: 64)
    start.initializeMemory(as: UInt8.self, repeating: 0, count: max(bytes, 64))
  }

  /// Numbers in float, or in bfloat16.
  init(_ numbers: [Float], half: Bool = false) {
    self.init(bytes: numbers.count * (half ? 2 : 4))
    for (i, number) in numbers.enumerated() {
      if half {
        halves[i] = UInt16(number.roundedToHalf.bitPattern >> 16)
      } else {
        floats[i] = number
      }
    }
  }

  var floats: UnsafeMutablePointer<Float> { start.assumingMemoryBound(to: Float.self) }
  var halves: UnsafeMutablePointer<UInt16> { start.assumingMemoryBound(to: UInt16.self) }

  /// All of it, bit by bit.
  var contents: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: start, count: bytes)) }

  /// Whether all of it is the same, bit by bit.
  func isSame(_ other: Memory) -> Bool {
    bytes == other.bytes && memcmp(start, other.start, bytes) == 0
  }

  /// A number as it stands here, in float or in bfloat16.
  func number(_ index: Int, half: Bool) -> Float {
    half ? Float(bitPattern: UInt32(halves[index]) << 16) : floats[index]
  }
}

extension Float {
  /// The nearest bfloat16, ties to even.
  var roundedToHalf: Float {
    Float(bitPattern: (bitPattern + 0x7fff + (bitPattern >> 16) & 1) & 0xffff_0000)
  }
}

/// A repeatable stream of draws.
struct Draws {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) &+ 1 }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state ^ state >> 29) &* 0x9e37_79b9_7f4a_7c15 >> 11
  }

  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.count))
  }

  /// In 0 ..< 1.
  mutating func uniform() -> Double { Double(next() & (1 << 53 - 1)) * 0x1p-53 }

  /// In −1 … 1, and such that bfloat16 holds it where asked.
  mutating func floats(_ count: Int, half: Bool = false) -> [Float] {
    (0..<count).map { _ in
      let number = Float(2 * uniform() - 1)
      return half ? number.roundedToHalf : number
    }
  }
}

/// Runs kernels of this thread on so many threads.
func onThreads<Result>(_ count: Int, _ body: () -> Result) -> Result {
  let before = sl_threads()
  sl_set_threads(Int32(count))
  defer { sl_set_threads(before) }
  return body()
}
