import Images
import Models
import RunFiles
import Tensors

/// The end of an epoch.
extension Trainer {
  /// The mean of the validation images, nats; nil where `watch` wants to stop. The average of the
  /// weights is what a run keeps, so where the weights themselves are better it begins anew at them:
  /// after steps that all go one way it lies far behind.
  func validationLoss(of data: DataSet, _ watch: (Progress) throws -> Bool) throws
    -> Double?
  {
    let both = learner.standsAlone
    let half = both ? 0.5 : 1
    guard
      let average = try loss(
        of: averagedModel, on: data, { try watch(progress(.validation(half * $0))) })
    else { return nil }
    guard both else { return average }
    guard
      let live = try loss(
        of: learner.model, on: data, { try watch(progress(.validation(half + half * $0))) })
    else { return nil }
    guard live < average else { return average }
    learner.optimiser.averageAnew()
    state.averageOrigin = state.step
    return live
  }

  /// A model's mean of the images, nats; nil where `watch`, told the share done, wants to stop.
  private func loss(
    of model: any LearnedModel, on data: DataSet, _ watch: (Double) throws -> Bool
  ) throws -> Double? {
    var watched = Result<Bool, any Error>.success(true)
    let likelihood = model.likelihood(
      of: data, pixels: configuration.pixels, seed: configuration.seed,
      batch: model.inferenceBatch, in: Context(Engine(backend, .float32))
    ) { done in
      state.seconds = sitting.clock.seconds
      watched = Result { try watch(Double(done) / Double(data.count)) }
      return (try? watched.get()) ?? false
    }
    guard try watched.get() else { return nil }
    guard likelihood.natsPerImage.isFinite else {
      throw diverged(at: .validation(afterStep: state.step), likelihood.natsPerImage)
    }
    return likelihood.natsPerImage
  }

  /// Keeps the best, writes the record and, where one is due, a checkpoint. Returns whether this
  /// validation loss is the lowest so far.
  func endEpoch(validation loss: Double?) throws -> Bool {
    let rate = configuration.training.learningRate(at: done)
    state.trainBitsPerDimension = trainBitsPerDimension ?? .nan
    state.epoch += 1
    state.imagesOfEpoch = 0
    state.natsOfEpoch = 0
    state.seconds = sitting.clock.seconds
    if let loss { state.latestValidation = loss }
    try record().note(
      MetricsRow(
        step: state.step, epoch: state.epoch, seconds: state.seconds,
        trainBitsPerDimension: state.trainBitsPerDimension, validationNatsPerImage: loss,
        validationBitsPerDimension: loss.map(bitsPerDimension), learningRate: rate,
        gradientNorm: state.gradientNorm,
        imagesPerSecond: sitting.imagesPerSecond))
    if let loss {
      state.worseValidations += 1
      if loss < state.scheduleBest {
        (state.scheduleBest, state.scheduleBestEpoch) = (loss, state.epoch)
        (state.scheduleBestShare, state.worseValidations) = (done, 0)
      }
    }
    let isBest = loss.map { $0 < state.bestValidation } ?? false
    if let loss, isBest { (state.bestValidation, state.bestEpoch) = (loss, state.epoch) }
    // Not after every epoch: short ones would do little but write.
    if isBest || isFinished || isCheckpointDue { try save(isBest: isBest) }
    return isBest
  }

  var isCheckpointDue: Bool {
    sitting.clock.seconds - sitting.lastCheckpoint >= checkpointInterval
  }
}
