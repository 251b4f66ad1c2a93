/// A line that says how far a job has come: in place on a terminal, at most a line every few seconds
/// elsewhere. Nothing is shown of jobs shorter than two seconds.
final class ProgressLine {
  private let console: Console
  private let start = ContinuousClock.now
  private var last: ContinuousClock.Instant?
  private var shown = false

  init(_ console: Console) { self.console = console }

  /// Shows `line` if the last one is old enough.
  func update(_ line: @autoclosure () -> String) {
    let now = ContinuousClock.now
    guard !console.quiet, now - start > .seconds(2) else { return }
    if let last, now - last < (Console.isTerminal ? .milliseconds(200) : .seconds(10)) { return }
    last = now
    if Console.isTerminal {
      Console.write("\r\u{1b}[K\(line())")
      shown = true
    } else {
      console.note(line())
    }
  }

  /// Shows how many of `total` are done, at what rate, and the time left.
  func update(_ what: String, _ done: Double, of total: Int, _ unit: String) {
    let rate = done / ((ContinuousClock.now - start) / .seconds(1))
    let left = rate > 0 ? ", \(duration((Double(total) - done) / rate)) left" : ""
    update("\(what): \(Int(done)) of \(total) \(unit), \(short(rate)) \(unit)/s\(left)")
  }

  /// Takes the line away, so that something else can be printed.
  func clear() {
    if shown { Console.write("\r\u{1b}[K") }
    shown = false
  }
}
