import Files
import Foundation

/// The right to write a run, held for as long as the value lives. The system takes it back when the
/// process ends, however it ends.
final class RunLock: Sendable {
  private let descriptor: Int32

  /// Throws a `FileError` where another training holds the lock at `path`. It asks again for half a
  /// second: a process that is being started shares the lock of the one that starts it until it has
  /// become another program, and one that was killed until the system has put it away.
  init(at path: String) throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path, cannot: "open") }
    var tries = 50
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EWOULDBLOCK, tries > 0 {
        tries -= 1
        usleep(10_000)
        continue
      }
      guard errno == EWOULDBLOCK else { throw FileError(path, cannot: "lock") }
      throw FileError(
        path,
        problem: "another training is writing this run; wait for it, or choose another --run")
    }
  }

  deinit { close(descriptor) }
}
