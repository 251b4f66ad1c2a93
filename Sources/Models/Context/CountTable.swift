import Tensors

/// How often a zero and a one came in each context, in a hashed table of bounded size: three numbers a slot,
/// whose context it is, zeros and ones.
///
/// A context may lie in any of four slots. Where all of them are others', it takes the place of the one that
/// was seen least, so frequent contexts stay. Two contexts share a slot only where 24 further bits of their
/// hashes agree.
struct CountTable: @unchecked Sendable {
  static let ways = 4

  /// `[slots, 3]`, float32.
  let slots: Tensor
  private let first: UnsafeMutablePointer<Float>
  private let mask: Int

  init(_ slots: Tensor) {
    precondition(
      slots.shape[0].nonzeroBitCount == 1 && slots.shape[0] >= Self.ways,
      "\(slots.shape[0]) slots are no power of two")
    self.slots = slots
    first = slots.floats.baseAddress!
    mask = slots.shape[0] - Self.ways
  }

  /// Zeros and ones of a context; nil where it was never seen.
  func find(_ key: UInt64) -> (zeros: Float, ones: Float)? {
    let owner = Self.owner(key)
    let set = first + 3 * (Int(truncatingIfNeeded: key) & mask)
    for way in 0..<Self.ways where set[3 * way] == owner {
      return (set[3 * way + 1], set[3 * way + 2])
    }
    return nil
  }

  /// Reads where contexts lie, so that their waits for memory are one.
  /// - Returns: whether the table is sound, which it is.
  func fetch(_ keys: UnsafePointer<UInt64>, _ count: Int, _ node: Int) -> Bool {
    var owners: Float = 0
    for t in 0..<count {
      owners += first[3 * (Int(truncatingIfNeeded: Contexts.key(keys[t], node)) & mask)]
    }
    return owners >= 0
  }

  /// Counts a bit.
  func count(_ bit: Int, _ key: UInt64) {
    let owner = Self.owner(key)
    let set = first + 3 * (Int(truncatingIfNeeded: key) & mask)
    var (rarest, least) = (0, Float.infinity)
    for way in 0..<Self.ways {
      let slot = set + 3 * way
      if slot[0] == owner {
        slot[1 + bit] += 1
        return
      }
      let seen = slot[1] + slot[2]
      if seen < least { (rarest, least) = (way, seen) }
    }
    let slot = set + 3 * rarest
    (slot[0], slot[1], slot[2]) = (owner, 0, 0)
    slot[1 + bit] = 1
  }

  /// Whole numbers up to 2²⁴ are exact; 0 is nobody.
  private static func owner(_ key: UInt64) -> Float { Float(key >> 40 | 1) }
}
