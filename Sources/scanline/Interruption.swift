import ArgumentParser
import Dispatch
import Foundation
import Synchronization

/// Ctrl-C, termination and a closed terminal as a flag that long jobs ask for between steps. Another
/// one, a second or more later, ends the process at once; sooner it is the same request, sent to the
/// group and to us.
final class Interruption: @unchecked Sendable {
  private struct Request {
    let signal: Int32
    let time = ContinuousClock.now
  }
  private let first = Mutex<Request?>(nil)
  private var sources: [any DispatchSourceSignal] = []

  init() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // nohup means what it says.
      if number == SIGHUP && Self.isIgnored(number) { continue }
      let registered = DispatchSemaphore(value: 0)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: DispatchQueue(label: "signals"))
      source.setEventHandler { [self] in
        first.withLock { first in
          // Not exit(): its cleaning up would pull compiled kernels from under the running step.
          if let first, ContinuousClock.now - first.time > .seconds(1) { _exit(128 + number) }
          first = first ?? Request(signal: number)
        }
      }
      source.setRegistrationHandler { registered.signal() }
      source.resume()
      sources.append(source)
      // Ignored only once the source listens: a signal in between would be lost.
      registered.wait()
      signal(number, SIG_IGN)
    }
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  var isRequested: Bool { first.withLock { $0 != nil } }

  /// How a job ends that was stopped, by the custom of shells: 128 and the signal's number.
  var exitCode: ExitCode? { first.withLock { $0.map { ExitCode(128 + $0.signal) } } }
}
