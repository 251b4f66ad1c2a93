import ArgumentParser

/// A failure of the command itself, in one line.
struct CommandError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// The work was stopped before its end.
  static func stopped(_ what: String) -> Stopped { Stopped(description: "stopped: \(what)") }
}

/// What every verb takes that writes files beside its run.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Replace files that scanline did not write.")
  var overwrite = false
}
