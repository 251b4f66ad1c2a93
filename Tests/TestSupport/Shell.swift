import Foundation
import Synchronization
import Testing

/// A script of the shell, as a person runs it: no signal is blocked or ignored, which they may be in
/// the thread of a test and would be in what that starts; in a terminal of its own where one is asked
/// for.
///
/// In the script, `"$0" "$@"` is the command and its arguments. What it writes to standard output and,
/// but for a terminal, to standard error goes to the files `out` and `error` of the folder.
public final class Shell: Sendable {
  public let process: pid_t
  private let folder: String
  /// The other end of the terminal; negative where there is none, or it is closed.
  private let terminal: Mutex<Int32>
  private let shown = Mutex("")

  public init(
    _ script: String, _ command: [String], in folder: String, hasTerminal: Bool = false
  ) throws {
    self.folder = folder
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    // glibc's POSIX_SPAWN_SETSID: what it opens first is then its terminal.
    let session: Int32 = 0x80
    posix_spawnattr_setflags(
      &attributes, Int16(session | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let create = O_WRONLY | O_CREAT | O_TRUNC
    var (master, slave): (Int32, Int32) = (-1, -1)
    defer { if slave >= 0 { close(slave) } }
    if hasTerminal {
      try #require(openpty(&master, &slave, nil, nil, nil) == 0)
      for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
      posix_spawn_file_actions_addopen(&actions, 0, ttyname(slave), O_RDWR, 0)
      posix_spawn_file_actions_adddup2(&actions, 0, 2)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_addopen(&actions, 2, "\(folder)/error", create, 0o644)
    }
    posix_spawn_file_actions_addopen(&actions, 1, "\(folder)/out", create, 0o644)
    terminal = Mutex(master)
    let words = ["bash", "-c", "cd '\(folder)' || exit; \(script)"] + command
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    try #require(
      posix_spawn(&process, "/bin/bash", &actions, &attributes, &arguments, environ) == 0)
    self.process = process
    if hasTerminal { Thread.detachNewThread { [self] in drain() } }
  }

  /// Takes what the terminal shows: nobody writes to one that is full.
  private func drain() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let descriptor = terminal.withLock { $0 }
      var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard descriptor >= 0, poll(&wait, 1, 50) >= 0 else { return }
      if wait.revents == 0 { continue }
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return }
      shown.withLock { $0 += String(decoding: buffer[..<count], as: UTF8.self) }
    }
  }

  /// What the terminal has shown so far.
  public var screen: String { shown.withLock { $0 } }

  /// Types a key.
  public func type(_ key: UInt8) {
    terminal.withLock { _ = write($0, [key], 1) }
  }

  /// Closes the window.
  public func hangUp() {
    terminal.withLock {
      close($0)
      $0 = -1
    }
  }

  /// A file of the folder; empty where there is none.
  public func text(_ name: String) -> String {
    (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
  }

  /// A number in a file of the folder, which the script may be about to write.
  public func number(in name: String) throws -> Int32 {
    try #require(
      waits { Int32(text(name).trimmingCharacters(in: .newlines)) != nil }, "no number in \(name)")
    return try #require(Int32(text(name).trimmingCharacters(in: .newlines)))
  }

  /// Waits until something is so; false where it is not within a minute.
  public func waits(until isSo: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<3000 {
      if try isSo() { return true }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return false
  }

  /// Waits for the end of the shell: its exit status, or the negative number of the signal that ended
  /// it.
  public func end() throws -> Int32 {
    var status: Int32 = 0
    let ended = waits { waitpid(process, &status, WNOHANG) == process }
    if !ended {
      kill(-process, SIGKILL)
      waitpid(process, &status, 0)
    }
    try #require(ended, "it went on for a minute")
    return status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
  }
}
