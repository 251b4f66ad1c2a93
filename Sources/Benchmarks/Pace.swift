/// A rate as the median of repeats.
struct Pace {
  /// For all repeats together.
  let seconds: Double
  static let repeats = 5

  /// How much of a job is done in a second.
  ///
  /// A repeat does the job until its share of the time is over, at least once. One before the others
  /// warms up: kernels are compiled, memory is fetched. A job so slow that the time is over sooner has
  /// fewer repeats, and in the end the first is all there is.
  /// - Parameter job: does a part, answers how much.
  func measure(_ job: () throws -> Int) rethrows -> Double {
    let start = ContinuousClock.now
    let share = seconds / Double(Self.repeats)
    var rates: [Double] = []
    repeat {
      let start = ContinuousClock.now
      var done = 0
      repeat { done += try job() } while Benchmarks.seconds(since: start) < share
      rates.append(Double(done) / Benchmarks.seconds(since: start))
    } while rates.count <= Self.repeats && Benchmarks.seconds(since: start) < seconds + share
    if rates.count > 1 { rates.removeFirst() }
    return median(rates)
  }
}

/// Seconds since an instant, more than 0.
func seconds(since start: ContinuousClock.Instant) -> Double {
  max((ContinuousClock.now - start) / .seconds(1), 1e-9)
}

/// The middle one in order, or the mean of the middle two.
func median(_ values: [Double]) -> Double {
  precondition(!values.isEmpty, "nothing has no median")
  let sorted = values.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
