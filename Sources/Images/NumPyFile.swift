import Files
import Foundation

/// A `.npy` file of float32 values `[N, …]` that is written item by item, N being what comes together: it
/// lies beside its place as `NAME.part` until it is whole.
///
/// ```swift
/// let file = try NumPyFile("surprise.npy", item: [28, 28, 1])
/// for image in images { try file.append(surprise(of: image)) }
/// try file.finish()
/// ```
public final class NumPyFile {
  public let path: String
  /// Items that have been appended.
  public private(set) var count: Int
  private let item: [Int]
  private let descriptor: Int32
  private var waiting: [UInt8] = []

  /// Room for 20 digits of N; numpy has headers of whole 64 bytes.
  private static let headerBytes = 128
  private var part: String { path + ".part" }
  private var itemBytes: Int { 4 * item.reduce(1, *) }

  /// - Parameters:
  ///   - item: the shape of an item.
  ///   - resume: whether to go on with the items that an earlier process has written.
  /// - Throws: `FileError`.
  public init(_ path: String, item: [Int], resume: Bool = false) throws {
    precondition(item.allSatisfy { $0 > 0 }, "an item has no side of \(item)")
    (self.path, self.item) = (path, item)
    let part = path + ".part"
    // One that was ended while the work around it was not is gone on with.
    if resume, access(part, F_OK) != 0 { rename(path, part) }
    descriptor = open(part, O_RDWR | O_CREAT | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0o666)
    guard descriptor >= 0 else { throw FileError(path, cannot: "write") }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path, cannot: "write") }
    count = max(0, Int(status.st_size) - Self.headerBytes) / (4 * item.reduce(1, *))
    try truncate()
  }

  deinit { close(descriptor) }

  /// Leaves out the items after the first so many. Throws a `FileError`.
  public func cut(to count: Int) throws {
    precondition(count <= self.count, "\(self.count) items, fewer than \(count)")
    guard count < self.count else { return }
    try flush()
    self.count = count
    try truncate()
  }

  private func truncate() throws {
    let end = off_t(Self.headerBytes + count * itemBytes)
    guard ftruncate(descriptor, end) == 0, lseek(descriptor, end, SEEK_SET) == end else {
      throw FileError(path, cannot: "write")
    }
  }

  /// Adds an item, which may wait in memory until `flush`. Throws a `FileError`.
  public func append(_ values: some Collection<Float>) throws {
    precondition(4 * values.count == itemBytes, "an item of \(item) has not \(values.count) values")
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { waiting += $0 }
    }
    count += 1
    if waiting.count >= 1 << 20 { try flush() }
  }

  /// Hands to the system what waits. Throws a `FileError`.
  public func flush() throws {
    try waiting.withUnsafeBytes { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let written = write(descriptor, rest.baseAddress, rest.count)
        if written > 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        } else if errno != EINTR {
          throw FileError(path, cannot: "write")
        }
      }
    }
    waiting.removeAll(keepingCapacity: true)
  }

  /// Completes the file and puts it in its place. Throws a `FileError`.
  public func finish() throws {
    try flush()
    let header = header
    guard pwrite(descriptor, header, header.count, 0) == header.count, fsync(descriptor) == 0,
      rename(part, path) == 0
    else { throw FileError(path, cannot: "write") }
  }

  /// Format version 1.0: magic, version, the length of the dictionary, and that padded by spaces.
  private var header: [UInt8] {
    let shape = ([count] + item).map(String.init).joined(separator: ", ")
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
    let room = Self.headerBytes - 10
    precondition(text.utf8.count < room, "a shape of \(item) has too many sides")
    return [0x93] + "NUMPY".utf8 + [1, 0, UInt8(room), 0] + text.utf8
      + [UInt8](repeating: UInt8(ascii: " "), count: room - 1 - text.utf8.count) + "\n".utf8
  }
}
