/// 64 bits by which two sequences of words are told apart: images, or weights. It is no proof against
/// someone who wants two of them to look alike.
public struct Fingerprint {
  public private(set) var bits: UInt64

  /// - Parameter start: what sequences are to differ in besides their words, such as their length.
  public init(start: UInt64 = 0) { bits = start }

  /// Each step is invertible: sequences that differ in one word differ in their bits.
  public mutating func fold(_ word: UInt64) {
    bits = (bits ^ word) &* 0x9e37_79b9_7f4a_7c15
    bits ^= bits >> 32
  }

  /// Folds eight bytes as a little-endian word, and each of those left over as one of its own.
  public mutating func fold(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count / 8 * 8
    for at in stride(from: 0, to: whole, by: 8) {
      fold(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
    }
    for at in whole..<bytes.count { fold(UInt64(bytes[at])) }
  }
}
