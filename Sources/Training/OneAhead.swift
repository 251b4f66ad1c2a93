import Dispatch
import Synchronization

/// Values made in order on another thread, each while the caller works on the one before.
///
/// ```swift
/// let batches = OneAhead { index in index < 3 ? batch(index) : nil }
/// while let batch = batches.next() { step(batch) }
/// ```
public final class OneAhead<Value: Sendable>: Sendable {
  private struct State {
    var index = 0
    var value: Value?
  }
  private let state = Mutex(State())
  private let made = DispatchSemaphore(value: 0)
  private let queue = DispatchQueue(label: "one ahead")
  private let make: @Sendable (Int) -> Value?

  /// - Parameter make: the value at an index from 0; nil from the end on.
  public init(_ make: @escaping @Sendable (Int) -> Value?) {
    self.make = make
    prepare()
  }

  /// The next value, nil from the end on. One caller at a time.
  public func next() -> Value? {
    made.wait()
    let value = state.withLock { $0.value }
    prepare()
    return value
  }

  private func prepare() {
    queue.async { [self] in
      let value = make(state.withLock { $0.index })
      state.withLock {
        $0.index += 1
        $0.value = value
      }
      made.signal()
    }
  }
}
