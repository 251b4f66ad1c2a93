import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination as a flag that long jobs ask for between steps. A second one ends the
/// process at once.
final class Interruption: @unchecked Sendable {
  private let requested = Atomic<Bool>(false)
  private let sources: [any DispatchSourceSignal]

  init() {
    var sources: [any DispatchSourceSignal] = []
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      sources.append(
        DispatchSource.makeSignalSource(signal: number, queue: DispatchQueue(label: "signals")))
    }
    self.sources = sources
    for source in sources {
      source.setEventHandler { [self] in
        if requested.exchange(true, ordering: .relaxed) { exit(130) }
      }
      source.resume()
    }
  }

  var isRequested: Bool { requested.load(ordering: .relaxed) }
}
