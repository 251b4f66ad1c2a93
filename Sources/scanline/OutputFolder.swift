import ArgumentParser

/// A failure of the command itself, in one line.
enum CommandError: Error, CustomStringConvertible {
  case failed(String)
  /// The work was stopped before its end: how far it has come.
  case stopped(String)

  init(_ description: String) { self = .failed(description) }

  var isStop: Bool { if case .stopped = self { true } else { false } }

  var description: String {
    switch self {
    case .failed(let line): line
    case .stopped(let what): "stopped: \(what)"
    }
  }
}

/// What every verb takes that writes files beside its run.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Replace files that scanline did not write.")
  var overwrite = false
}
