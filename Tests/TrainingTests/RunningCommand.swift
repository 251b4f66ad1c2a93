import Foundation
import TestSupport
import Testing

/// A command under way.
final class RunningCommand {
  private let process = Process()
  private let folder: TemporaryFolder

  /// - Parameter prelude: shell commands before it, `ulimit` and the like.
  init(_ arguments: [String], prelude: String = ":") throws {
    folder = TemporaryFolder()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", "\(prelude); exec \"$0\" \"$@\"", try #require(Command.path)] + arguments
    process.standardInput = FileHandle.nullDevice
    // Files, which never fill up as a pipe does.
    process.standardOutput = try Self.file(folder.file("out"))
    process.standardError = try Self.file(folder.file("error"))
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  private static func file(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try #require(FileHandle(forWritingAtPath: path))
  }

  var isRunning: Bool { process.isRunning }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits for its end.
  func end() throws -> (status: Int32, killed: Bool, out: String, error: String) {
    process.waitUntilExit()
    return (
      process.terminationStatus, process.terminationReason == .uncaughtSignal,
      try String(contentsOfFile: folder.file("out"), encoding: .utf8),
      try String(contentsOfFile: folder.file("error"), encoding: .utf8)
    )
  }
}
