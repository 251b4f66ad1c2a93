import Images
import Models
import Tensors

/// Steps, up to the end of an epoch.
extension Trainer {
  /// Goes on to the end of the epoch or of the time; false where `watch` wants to stop.
  func finishEpoch(_ watch: (Progress) throws -> Bool) throws -> Bool {
    if learner.isFitted { return try fit(watch) }
    let (data, pixels, seed) = (training, configuration.pixels, configuration.seed)
    let (epoch, size) = (state.epoch, configuration.training.batch)
    let order = EpochOrder.indices(count: data.count, seed: seed, epoch: epoch)[
      state.imagesOfEpoch...]
    let batches = OneAhead { index in
      let indices = order.dropFirst(index * size).prefix(size)
      return indices.isEmpty
        ? nil : data.batch(Array(indices), as: pixels, epoch: epoch, seed: seed)
    }
    while !schedule.isOutOfTime(state) {
      let start = sitting.clock.seconds
      guard let batch = batches.next() else { break }
      try step(batch)
      sitting.images += batch.count
      sitting.stepSeconds += state.seconds - start
      guard try watch(progress(.step)) else { return false }
      if isCheckpointDue { try save() }
    }
    return true
  }

  /// All that there is to do for a model that is fitted in closed form: one step, of all images.
  private func fit(_ watch: (Progress) throws -> Bool) throws -> Bool {
    guard state.imagesOfEpoch == 0 else { return true }
    let nats = learner.fit(
      training, validation: validation, configuration.pixels, seed: configuration.seed,
      in: Engine(backend, .float32))
    guard nats.isFinite else { throw diverged(at: .fit, nats) }
    state.step += 1
    state.imagesOfEpoch = training.count
    state.natsOfEpoch = nats * Double(training.count)
    (state.gradientNorm, state.seconds) = (0, sitting.clock.seconds)
    return try watch(progress(.step))
  }

  /// One step of gradient descent.
  private func step(_ batch: PixelBatch) throws {
    let step = learner.step(
      batch, learningRate: configuration.training.learningRate(at: done))
    guard step.isFinite else {
      let nats = step.nats.isNaN ? .nan : step.nats / Double(batch.count)
      throw diverged(at: .step(state.step + 1, gradientNorm: step.gradientNorm), nats)
    }
    state.step += 1
    state.imagesOfEpoch += batch.count
    state.natsOfEpoch += step.nats
    state.gradientNorm = step.gradientNorm
    state.seconds = sitting.clock.seconds
  }

  func diverged(at moment: TrainingError.Moment, _ nats: Double) -> TrainingError {
    .diverged(
      run: run.path, at: moment, natsPerImage: nats, keepsCheckpoint: run.hasCheckpoint)
  }
}
