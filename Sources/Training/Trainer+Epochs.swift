import Images
import Models
import RunFiles
import Tensors

/// The end of an epoch.
extension Trainer {
  /// The averaged model's mean over the validation images, nats; nil where `watch` wants to stop.
  func validationLoss(of data: DataSet, _ watch: (Progress) throws -> Bool) throws
    -> Double?
  {
    let context = Context(Engine(backend, .float32))
    var watched = Result<Bool, any Error>.success(true)
    let likelihood = averagedModel.likelihood(
      of: data, pixels: configuration.pixels, seed: configuration.seed,
      batch: averagedModel.inferenceBatch, in: context
    ) { done in
      state.seconds = sitting.clock.seconds
      let moment = Progress.Moment.validation(Double(done) / Double(data.count))
      watched = Result { try watch(progress(moment)) }
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
