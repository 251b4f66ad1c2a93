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

/// Free memory by size.
struct BufferPool: ~Copyable {
  static let shared = BufferPool()

  private struct Free: @unchecked Sendable {
    var pointers: [Int: [UnsafeMutableRawPointer]] = [:]
    var byteCount = 0
  }
  private let spare = Mutex(Free())

  /// Most bytes that wait for reuse; beyond that memory goes back to the system.
  private static let limit = 4 << 30

  /// Rounds up to an eighth of a power of two, so that nearby sizes share their memory.
  static func capacity(for byteCount: Int) -> Int {
    let wanted = max(byteCount, 256)
    let step = max(64, (1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)) >> 3)
    return (wanted + step - 1) / step * step
  }

  func take(_ capacity: Int) -> UnsafeMutableRawPointer {
    let reused: SendablePointer? = spare.withLock { free in
      guard let pointer = free.pointers[capacity]?.popLast() else { return nil }
      free.byteCount -= capacity
      return SendablePointer(pointer: pointer)
    }
    if let reused { return reused.pointer }
    var pointer: UnsafeMutableRawPointer?
    guard posix_memalign(&pointer, 64, capacity) == 0, let pointer else {
      outOfMemory("for \(capacity >> 20) MiB of numbers")
    }
    return pointer
  }

  func give(_ pointer: UnsafeMutableRawPointer, _ capacity: Int) {
    let sendable = SendablePointer(pointer: pointer)
    let kept = spare.withLock { free in
      guard free.byteCount + capacity <= BufferPool.limit else { return false }
      free.pointers[capacity, default: []].append(sendable.pointer)
      free.byteCount += capacity
      return true
    }
    if !kept { free(pointer) }
  }
}

private struct SendablePointer: @unchecked Sendable {
  let pointer: UnsafeMutableRawPointer
}
