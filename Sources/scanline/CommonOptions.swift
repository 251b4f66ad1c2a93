import ArgumentParser
import CPU
import Foundation

/// What every verb takes.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON object on standard output, and nothing else there.")
  var json = false

  @Flag(help: "Print no progress.")
  var quiet = false

  @Option(help: "Threads to compute with (default: all processors).")
  var threads: Int?

  @Option(name: .customLong("seed"), help: "Key of every random draw. (default: 0)")
  var givenSeed: UInt64?

  var seed: UInt64 { givenSeed ?? 0 }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected 1 ... 1024, found \(threads)")
    }
  }

  /// Where messages go.
  var console: Console { Console(json: json, quiet: quiet) }

  /// Sets up the engine.
  func prepare() {
    CPUBackend.shared.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
  }
}
