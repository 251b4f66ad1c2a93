import ArgumentParser
import Files
import Foundation
import Synchronization

/// Ctrl-C, termination and a closed terminal.
///
/// They end the process at once, until a job makes one of these: from then on they are a request, which
/// the job asks for between steps. A second signal ends it at once all the same.
///
/// The signals are blocked in every thread and fetched by one of our own, which may do what a handler
/// may not: take locks, remove files. (One that is ignored and not blocked in the main thread would be
/// dropped by the kernel, whoever waits for it.)
struct Interruption {
  private struct State: Sendable {
    /// How long a job that has been asked may take; nil for as long as it needs.
    var patience: Duration? = .zero
    /// What a job that is ended before its end leaves to be said.
    var lastWords = ""
    var request: (signal: Int32, time: ContinuousClock.Instant)?
  }

  private static let state = Mutex(State())

  /// - Parameter patience: how long after a request the job may go on; nil for as long as it takes to
  ///   save what it has.
  init(patience: Duration? = .seconds(1)) {
    Self.state.withLock { $0.patience = patience }
  }

  /// Has a job that does not end in time say something last.
  static func beforeEnding(saying words: String) { state.withLock { $0.lastWords = "; " + words } }

  var isRequested: Bool { Self.state.withLock { $0.request != nil } }

  /// How a job ends that was stopped, by the custom of shells: 128 and the signal's number.
  static var exitCode: ExitCode? {
    state.withLock { $0.request.map { ExitCode(128 + $0.signal) } }
  }

  /// Begins to listen: before any other thread is started, as those inherit what is blocked.
  static func listen() {
    var signals = sigset_t()
    sigemptyset(&signals)
    // nohup means what it says, and so does a shell's trap.
    for number in [SIGTERM, SIGHUP] where !isIgnored(number) { sigaddset(&signals, number) }
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let ignoresKeyboard = isIgnored(SIGINT)
    Thread.detachNewThread { [signals] in
      while true { receive(signals, ignoresKeyboard: ignoresKeyboard) }
    }
  }

  /// Waits for the next signal, or for the end of the patience after the first.
  private static func receive(_ signals: sigset_t, ignoresKeyboard: Bool) {
    var signals = signals
    var info = siginfo_t()
    let number: Int32
    if let deadline = state.withLock({ state in
      state.patience.flatMap { patience in state.request.map { $0.time + patience } }
    }) {
      let left = max(.zero, deadline - .now) / .nanoseconds(1)
      var time = timespec(tv_sec: Int(left / 1e9), tv_nsec: Int(left) % 1_000_000_000)
      number = sigtimedwait(&signals, &info, &time)
    } else {
      number = sigwaitinfo(&signals, &info)
    }
    guard number > 0 || errno == EAGAIN else { return }
    // A script's jobs in the background ignore Ctrl-C, which is meant for the one in front; the signal
    // that somebody sends to this process is meant for it.
    if number == SIGINT, ignoresKeyboard, info.si_code > 0 { return }
    state.withLock { state in
      guard let request = state.request else {
        state.request = (number, .now)
        if state.patience == .zero { end(by: number, state.lastWords) }
        return
      }
      // Some send a signal twice, to the process and to its group; a terminal that closes sends one,
      // and its shell, when it ends, another.
      let echo: Duration = number == SIGHUP ? .seconds(2) : .milliseconds(300)
      if number < 0 || request.time.duration(to: .now) > echo {
        end(by: number < 0 ? request.signal : number, state.lastWords)
      }
    }
  }

  /// Not `exit`: its cleaning up would pull compiled kernels from under a running step.
  private static func end(by signal: Int32, _ words: String) -> Never {
    AtomicFile.abandonAll {
      Console.write("\(Console.isTerminal ? "\r\u{1b}[K" : "")stopped\(words)\n")
      _exit(128 + signal)
    }
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
