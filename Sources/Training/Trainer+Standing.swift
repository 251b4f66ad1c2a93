import Foundation

/// Where a training stands.
extension Trainer {
  /// Share of the schedule done, 0…1.
  var done: Double { schedule.done(state) }

  /// Whether the epoch that ends is to be validated: each, but where that would take longer than its steps did,
  /// only so many that a fifth of the time goes there.
  var isValidationDue: Bool {
    let (images, passes) = (configuration.data.validationImages, learner.model.passesPerLikelihood)
    // A step takes three passes.
    let ratio = images * passes / (3 * training.count)
    return ratio < 1 || (state.epoch + 1) % (4 * ratio) == 0 || schedule.endsWithEpoch(state)
  }

  /// Nats an image as bits a sub-pixel, or a label.
  func bitsPerDimension(_ nats: Double) -> Double {
    nats / (Double(configuration.model.dimension) * log(2))
  }

  /// Mean over the epoch under way, or the latest where that has not begun; nil before the first.
  var trainBitsPerDimension: Double? {
    if state.imagesOfEpoch > 0 {
      bitsPerDimension(state.natsOfEpoch / Double(state.imagesOfEpoch))
    } else {
      state.trainBitsPerDimension.isNaN ? nil : state.trainBitsPerDimension
    }
  }

  func progress(_ moment: Progress.Moment) -> Progress {
    let validation = state.latestValidation.isNaN ? nil : state.latestValidation
    return Progress(
      moment: moment, step: state.step, epoch: state.epoch + (state.imagesOfEpoch > 0 ? 1 : 0),
      done: done, trainBitsPerDimension: trainBitsPerDimension ?? .nan,
      validationNatsPerImage: validation,
      validationBitsPerDimension: validation.map(bitsPerDimension),
      epochsSinceBest: state.scheduleBest.isFinite ? state.epoch - state.scheduleBestEpoch : nil,
      imagesPerSecond: sitting.imagesPerSecond, secondsLeft: sitting.secondsLeft(done: done))
  }

  /// What came of it so far.
  public var summary: Summary {
    let best = state.bestValidation.isFinite ? state.bestValidation : nil
    return Summary(
      epochs: state.epoch, steps: state.step, seconds: state.seconds,
      trainBitsPerDimension: trainBitsPerDimension, validationNatsPerImage: best,
      validationBitsPerDimension: best.map(bitsPerDimension),
      bestEpoch: state.bestEpoch > 0 ? state.bestEpoch : nil,
      parameters: parameterCount, interrupted: !isFinished,
      endedEarly: schedule.hasLostPatience(state) && done < 1)
  }
}
