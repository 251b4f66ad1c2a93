import Synchronization

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

/// Free memory by size.
struct BufferPool: ~Copyable {
  static let shared = BufferPool()

  private struct Free: @unchecked Sendable {
    var pointers: [Int: [UnsafeMutableRawPointer]] = [:]
    var byteCount = 0
  }
  private let free = Mutex(Free())

  /// Most bytes that wait for reuse; beyond that memory goes back to the system.
  private static let limit = 4 << 30

  /// Rounds up to an eighth of a power of two, so that nearby sizes share their memory.
  static func capacity(for byteCount: Int) -> Int {
    let wanted = max(byteCount, 256)
    let step = max(64, (1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)) >> 3)
    return (wanted + step - 1) / step * step
  }

  func take(_ capacity: Int) -> UnsafeMutableRawPointer {
    let reused: SendablePointer? = free.withLock { free in
      guard let pointer = free.pointers[capacity]?.popLast() else { return nil }
      free.byteCount -= capacity
      return SendablePointer(pointer: pointer)
    }
    return reused?.pointer
      ?? UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
  }

  func give(_ pointer: UnsafeMutableRawPointer, _ capacity: Int) {
    let sendable = SendablePointer(pointer: pointer)
    let kept = free.withLock { free in
      guard free.byteCount + capacity <= BufferPool.limit else { return false }
      free.pointers[capacity, default: []].append(sendable.pointer)
      free.byteCount += capacity
      return true
    }
    if !kept { pointer.deallocate() }
  }
}

private struct SendablePointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
}
