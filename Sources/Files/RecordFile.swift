import Foundation

/// A file that grows record by record, by one process at a time. Each record has its length and a
/// checksum: what a killed process or a power cut left half written at the end is told from what is
/// whole, and cut off.
///
/// Eight bytes say what the records are; then each is its length and its checksum, 4 bytes each, and its
/// own bytes. Numbers are little-endian.
package final class RecordFile {
  package let path: String
  private let descriptor: Int32
  private var waiting: [UInt8] = []

  private static let headBytes = 8

  /// Begins the file anew, whatever it held.
  /// - Parameter kind: eight ASCII characters that say what the records are.
  /// - Throws: `FileError`, also where another process is writing it.
  package static func begin(_ path: String, kind: String) throws -> RecordFile {
    let file = try RecordFile(opening: path)
    try file.restart(kind)
    return file
  }

  /// Goes on with a file: it ends after the last record that is whole, or before the first that `keep`
  /// answers false for. One that is not there, or was never begun, is begun.
  /// - Throws: `FileError`, also for a file of another kind, or one that another process is writing; what
  ///   `keep` throws.
  package static func resume(
    _ path: String, kind: String, keep: (UnsafeRawBufferPointer) throws -> Bool
  ) throws -> RecordFile {
    let file = try RecordFile(opening: path)
    guard let end = try scan(file.descriptor, path, kind: kind, keep) else {
      try file.restart(kind)
      return file
    }
    guard ftruncate(file.descriptor, off_t(end)) == 0, lseek(file.descriptor, 0, SEEK_END) == end
    else { throw FileError(path, cannot: "write") }
    return file
  }

  /// Goes over the records that are whole.
  /// - Throws: `FileError`, also for a file of another kind; what `body` throws.
  package static func visit(
    _ path: String, kind: String, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path, cannot: "open") }
    defer { close(descriptor) }
    _ = try scan(descriptor, path, kind: kind) {
      try body($0)
      return true
    }
  }

  private init(opening path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path, cannot: "write") }
    // One that was killed may hold the lock until the system has put it away.
    var tries = 50
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      // Not all file systems know locks.
      guard errno == EWOULDBLOCK else { return }
      guard tries > 0 else {
        throw FileError(path, problem: "another scanline is writing it; wait for it to end")
      }
      tries -= 1
      usleep(10_000)
    }
  }

  deinit { close(descriptor) }

  private func restart(_ kind: String) throws {
    guard ftruncate(descriptor, 0) == 0 else { throw FileError(path, cannot: "write") }
    waiting = Array(kind.utf8)
    try flush()
  }

  /// Adds a record, which may wait in memory until `flush`.
  package func append(_ record: [UInt8]) throws {
    withUnsafeBytes(of: UInt32(record.count).littleEndian) { waiting += $0 }
    withUnsafeBytes(of: checksum(record).littleEndian) { waiting += $0 }
    waiting += record
    if waiting.count >= 1 << 20 { try flush() }
  }

  /// Hands to the system what waits: from then on a killed process loses nothing.
  package func flush() throws {
    var done = 0
    while done < waiting.count {
      let count = waiting.withUnsafeBytes {
        write(descriptor, $0.baseAddress! + done, $0.count - done)
      }
      if count > 0 {
        done += count
      } else if errno != EINTR {
        throw FileError(path, cannot: "write")
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }

  /// Where the last record ends that is whole and kept; nil where the file does not even say its kind.
  private static func scan(
    _ descriptor: Int32, _ path: String, kind: String,
    _ keep: (UnsafeRawBufferPointer) throws -> Bool
  ) throws -> Int? {
    precondition(kind.utf8.count == headBytes, "a kind has eight characters, found \(kind)")
    var window = Window(descriptor, path)
    guard window.size >= headBytes else {
      let start = try window.bytes(at: 0, window.size) { Array($0) }
      guard kind.utf8.starts(with: start) else { throw otherKind(path) }
      return nil
    }
    guard try window.bytes(at: 0, headBytes, { Array($0) }) == Array(kind.utf8) else {
      throw otherKind(path)
    }
    var end = headBytes
    while window.size - end >= headBytes {
      let (length, sum) = try window.bytes(at: end, headBytes) { head in
        (
          Int(UInt32(littleEndian: head.loadUnaligned(as: UInt32.self))),
          UInt32(littleEndian: head.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        )
      }
      guard length <= window.size - end - headBytes else { break }
      let isKept = try window.bytes(at: end + headBytes, length) { record in
        try checksum(record) == sum && keep(record)
      }
      guard isKept else { break }
      end += headBytes + length
    }
    return end
  }

  private static func otherKind(_ path: String) -> FileError {
    FileError(path, expected: "a journal of scanline", found: "another file")
  }
}

/// A part of a file in memory.
private struct Window {
  let size: Int
  private let descriptor: Int32
  private let path: String
  private var start = 0
  private var held: [UInt8] = []

  init(_ descriptor: Int32, _ path: String) {
    var status = stat()
    size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    (self.descriptor, self.path) = (descriptor, path)
  }

  mutating func bytes<Result>(
    at offset: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    if offset < start || offset + count > start + held.count {
      try load(offset, max(count, min(1 << 20, size - offset)))
    }
    return try held.withUnsafeBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[offset - start..<offset - start + count]))
    }
  }

  private mutating func load(_ offset: Int, _ count: Int) throws {
    held = [UInt8](repeating: 0, count: count)
    start = offset
    var done = 0
    while done < count {
      let more = held.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset + done))
      }
      if more > 0 {
        done += more
      } else if more == 0 || errno != EINTR {
        throw FileError(path, cannot: "read")
      }
    }
  }
}

/// CRC-32 as in PNG (ISO 3309).
private func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(~0) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
}

private let table: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1) * 0xedb8_8320 }
}
