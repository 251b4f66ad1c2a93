import Files
import Foundation

/// A file that grows by whole records: each is one system call, and one that does not fit on the
/// disk is taken back.
final class AppendFile: Sendable {
  let path: String
  private let descriptor: Int32

  /// Opens `path` for appending, with only the first `kept` bytes of what it holds.
  init(at path: String, keeping kept: Int) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    self.path = path
    guard descriptor >= 0 else { throw FileError(path, cannot: "open") }
    guard ftruncate(descriptor, off_t(kept)) == 0 else {
      throw FileError(path, cannot: "truncate")
    }
  }

  /// Makes a new file at `path`; nil where there is one already.
  init?(creating path: String) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
    self.path = path
    if descriptor < 0 && errno == EEXIST { return nil }
    guard descriptor >= 0 else { throw FileError(path, cannot: "create") }
  }

  deinit { close(descriptor) }

  func append(_ record: some ContiguousBytes) throws {
    let end = lseek(descriptor, 0, SEEK_END)
    try record.withUnsafeBytes { bytes in
      var count = write(descriptor, bytes.baseAddress, bytes.count)
      while count < 0 && errno == EINTR {
        count = write(descriptor, bytes.baseAddress, bytes.count)
      }
      guard count == bytes.count else {
        // A short count is how a disk that has just become full says so.
        let error = FileError(path, cannot: "append", code: count < 0 ? errno : ENOSPC)
        ftruncate(descriptor, end)
        throw error
      }
    }
  }

  /// Returns once everything appended is on the disk.
  func synchronise() throws {
    guard fsync(descriptor) == 0 else { throw FileError(path, cannot: "synchronise") }
  }
}
