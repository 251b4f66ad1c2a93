import Foundation
import Testing

/// Runs a command to its end in a folder, without output, and answers the most memory it ever held,
/// bytes.
///
/// The kernel's word while it runs: what `wait4` says of a process counts what held it when it was
/// spawned, which are the tests.
public func peakMemory(of words: [String], in folder: String) throws -> Int {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for descriptor in [Int32(1), 2] {
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
  }
  let words = ["sh", "-c", #"cd "$0" && exec "$@""#, folder] + words
  var arguments = words.map { strdup($0) } + [nil]
  defer { for argument in arguments { free(argument) } }
  var process = pid_t()
  try #require(posix_spawn(&process, "/bin/sh", &actions, nil, &arguments, environ) == 0)
  var status: Int32 = 0
  var peak = 0
  while waitpid(process, &status, WNOHANG) != process {
    peak = max(peak, peakMemory(ofProcess: "\(process)"))
    usleep(2_000)
  }
  try #require(status == 0, "\(words.dropFirst(4)) ended with \(status)")
  return peak
}

/// The most memory that a process, by default this one, has held so far, bytes; 0 where it has ended.
public func peakMemory(ofProcess process: String = "self") -> Int {
  let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return line.flatMap { Int($0.split(whereSeparator: \.isWhitespace)[1]) }.map { $0 << 10 } ?? 0
}
