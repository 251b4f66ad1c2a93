import Foundation
import Testing

/// Runs a command to its end in a folder, without output, and answers the most memory it ever held,
/// bytes.
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
  var usage = rusage()
  while wait4(process, &status, 0, &usage) < 0 { try #require(errno == EINTR) }
  try #require(status == 0, "\(words.dropFirst(4)) ended with \(status)")
  return usage.ru_maxrss << 10
}
