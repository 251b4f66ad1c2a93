import Foundation

/// A regular file open for reading. The descriptor goes on showing the same bytes when the path is
/// replaced by rename.
package final class OpenFile: Sendable {
  package let path: String
  /// Bytes in the file when it was opened.
  package let size: Int
  private let descriptor: Int32

  /// Throws a `FileError` where there is nothing to open, or something else than a regular file: a
  /// pipe or a device might never end.
  package init(reading path: String) throws(FileError) {
    // Without O_NONBLOCK a named pipe would wait for a writer for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(path, cannot: "open") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      throw FileError(
        path, expected: "a regular file", found: isFolder ? "a folder" : "a pipe or device")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the bytes that start at `offset`.
  package func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(FileError) {
    var done = 0
    while done < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 {
        throw FileError(
          path, expected: "\(offset + buffer.count) bytes", found: "its end after \(offset + done)")
      } else if errno != EINTR {
        throw FileError(path, cannot: "read")
      }
    }
  }

  /// The bytes of the file at `path`, which is refused unread where it has more than `limit`.
  package static func contents(of path: String, atMost limit: Int = 1 << 30) throws -> [UInt8] {
    let file = try OpenFile(reading: path)
    guard file.size <= limit else {
      throw FileError(path, expected: "at most \(limit) bytes", found: "\(file.size)")
    }
    return try [UInt8](unsafeUninitializedCapacity: file.size) { buffer, count in
      let bytes = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(buffer)[..<file.size])
      try file.read(at: 0, into: bytes)
      count = file.size
    }
  }
}
