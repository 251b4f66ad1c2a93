import Foundation

/// A regular file open for reading. The descriptor goes on showing the same bytes when the path is
/// replaced by rename.
final class OpenFile: Sendable {
  let path: String
  /// Bytes in the file when it was opened.
  let size: Int
  private let descriptor: Int32

  init(reading path: String) throws {
    // Without O_NONBLOCK a named pipe would wait for a writer for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw RunFileError(path, cannot: "open") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw RunFileError(path, expected: "a regular file", found: "something else")
    }
    self.path = path
    self.size = Int(status.st_size)
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the bytes that start at `offset`.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 {
        throw RunFileError(
          path, expected: "\(offset + buffer.count) bytes", found: "\(offset + done)")
      } else if errno != EINTR {
        throw RunFileError(path, cannot: "read")
      }
    }
  }

  /// The whole of a file that is small enough to hold in memory twice.
  static func contents(of path: String, atMost limit: Int = 1 << 30) throws -> Data {
    let file = try OpenFile(reading: path)
    guard file.size <= limit else {
      throw RunFileError(path, expected: "at most \(limit) bytes", found: "\(file.size)")
    }
    var data = Data(count: file.size)
    try data.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    return data
  }
}
