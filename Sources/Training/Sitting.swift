/// A training from its start, or its being taken up again, to its end or interruption.
struct Sitting {
  let clock: Clock
  /// Where the record of the run stood.
  let lastRecordedStep: Int
  /// Share of the training that was done before.
  private let doneBefore: Double
  var images = 0
  /// Seconds of steps and of waiting for their images.
  var stepSeconds = 0.0
  var lastCheckpoint: Double

  init(_ state: TrainingState, done: Double) {
    clock = Clock(earlier: state.seconds)
    lastRecordedStep = state.lastRecordedStep
    doneBefore = done
    lastCheckpoint = state.seconds
  }

  var imagesPerSecond: Double { Double(images) / max(stepSeconds, 1e-9) }

  func secondsLeft(done: Double) -> Double? {
    guard done > doneBefore else { return nil }
    return (clock.seconds - clock.earlier) * (1 - done) / (done - doneBefore)
  }
}

/// Seconds of training, over all sittings.
struct Clock {
  let earlier: Double
  private let start = ContinuousClock.now

  init(earlier: Double) { self.earlier = earlier }

  var seconds: Double {
    earlier + (ContinuousClock.now - start) / .seconds(1)
  }
}
