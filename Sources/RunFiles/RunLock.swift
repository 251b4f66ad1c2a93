import Files
import Foundation

/// The right to write a run, held for as long as the value lives. The system takes it back when the
/// process ends, however it ends.
final class RunLock: Sendable {
  private let descriptor: Int32

  /// Throws a `FileError` at once where another training holds the lock at `path`.
  init(at path: String) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path, cannot: "open") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      guard errno == EWOULDBLOCK else { throw FileError(path, cannot: "lock") }
      throw FileError(
        path,
        problem: "another training is writing this run; wait for it, or choose another --run")
    }
  }

  deinit { close(descriptor) }
}
