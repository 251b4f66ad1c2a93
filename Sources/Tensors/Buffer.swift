import Foundation
import Synchronization

/// Ends the process where the system gives no more memory: nothing could go on, but the line is plain and
/// the status is that of work that failed.
public func outOfMemory(_ what: String) -> Never {
  FileHandle.standardError.write(Data("scanline: out of memory \(what)\n".utf8))
  exit(1)
}

/// Memory that goes back to a pool when its last tensor is gone, so that a steady training step asks
/// the system for nothing.
final class Buffer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
  private let capacity: Int

  init(byteCount: Int) {
    capacity = BufferPool.capacity(for: byteCount)
    pointer = BufferPool.shared.take(capacity)
  }

  deinit {
    BufferPool.shared.give(pointer, capacity)
  }
}

/// Free memory by size: a share for each thread, so that threads rarely meet at one.
struct BufferPool: ~Copyable {
  static let shared = BufferPool()

  private struct Free: @unchecked Sendable {
    /// By class of size.
    var pointers = [[UnsafeMutableRawPointer]](repeating: [], count: 64 * 8)
    var byteCount = 0
  }
  private final class Share: Sendable {
    let free = Mutex(Free())
    /// Keeps the next share's lock out of this one's cache line.
    private let apart = SIMD64<UInt8>()
  }
  private let shares = (0..<64).map { _ in Share() }

  /// Most bytes of a share that wait for reuse; beyond that memory goes back to the system.
  private static let limit = 4 << 30

  /// Rounds up to an eighth of a power of two, so that nearby sizes share their memory.
  static func capacity(for byteCount: Int) -> Int {
    let wanted = max(byteCount, 256)
    let step = max(64, (1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)) >> 3)
    return (wanted + step - 1) / step * step
  }

  /// The class of a capacity: its power of two and the eighths beyond.
  private static func place(of capacity: Int) -> Int {
    let power = Int.bitWidth - 1 - capacity.leadingZeroBitCount
    return 8 * power + ((capacity - (1 << power)) >> (power - 3))
  }

  /// That of the calling thread, and perhaps of another.
  private var ownShare: Int {
    // Multiplied by 2⁶⁴ over the golden ratio, whatever bits tell threads apart reach the highest.
    Int((UInt64(pthread_self()) &* 0x9e37_79b9_7f4a_7c15) >> 58)
  }

  func take(_ capacity: Int) -> UnsafeMutableRawPointer {
    let (place, own) = (BufferPool.place(of: capacity), ownShare)
    for i in shares.indices {
      let reused: SendablePointer? = shares[(own + i) % shares.count].free.withLock { free in
        guard let pointer = free.pointers[place].popLast() else { return nil }
        free.byteCount -= capacity
        return SendablePointer(pointer: pointer)
      }
      if let reused { return reused.pointer }
    }
    var pointer: UnsafeMutableRawPointer?
    guard posix_memalign(&pointer, 64, capacity) == 0, let pointer else {
      outOfMemory("for \(capacity >> 20) MiB of numbers")
    }
    return pointer
  }

  func give(_ pointer: UnsafeMutableRawPointer, _ capacity: Int) {
    let (place, sendable) = (BufferPool.place(of: capacity), SendablePointer(pointer: pointer))
    let kept = shares[ownShare].free.withLock { free in
      guard free.byteCount + capacity <= BufferPool.limit else { return false }
      free.pointers[place].append(sendable.pointer)
      free.byteCount += capacity
      return true
    }
    if !kept { free(pointer) }
  }
}

private struct SendablePointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
}
