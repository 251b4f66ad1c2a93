import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination as a flag that long jobs ask for between steps. Another one, a second or
/// more later, ends the process at once; sooner it is the same request, sent to the group and to us.
final class Interruption: @unchecked Sendable {
  private let requested = Mutex<ContinuousClock.Instant?>(nil)
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
        requested.withLock { first in
          // Not exit(): its cleaning up would pull compiled kernels from under the running step.
          if let first, ContinuousClock.now - first > .seconds(1) { _exit(130) }
          first = first ?? .now
        }
      }
      source.resume()
    }
  }

  var isRequested: Bool { requested.withLock { $0 != nil } }
}
