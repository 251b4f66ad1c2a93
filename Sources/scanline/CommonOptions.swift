import ArgumentParser
import Foundation
import OneDNN

/// What every verb takes.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON object on standard output, and nothing else there.")
  var json = false

  @Flag(help: "Print no progress.")
  var quiet = false

  @Option(help: "Threads to compute with (default: all processors).")
  var threads: Int?

  @Option(help: "Key of every random draw.")
  var seed: UInt64 = 0

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected 1 ... 1024, found \(threads)")
    }
  }

  /// Where messages go.
  var console: Console { Console(json: json, quiet: quiet) }

  /// Sets up the engine.
  func prepare() {
    OneDNNBackend.shared.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
  }
}
