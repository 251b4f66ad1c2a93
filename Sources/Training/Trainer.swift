import Files
import Foundation
import Images
import Models
import RunFiles
import Tensors

/// Maximum likelihood, one run: batches, steps, validation, checkpoints, the record of it all.
///
/// Every draw is keyed by seed, epoch and image, so a run that was killed and resumed reaches the
/// same weights, bit for bit, as one that was not (on as many threads, with `Duration.epochs`).
///
/// ```swift
/// let folder = try RunFolder.create(at: "runs/digits", configuration: configuration)
/// let trainer = try Trainer(
///   run: folder, configuration: configuration, training: training, validation: validation,
///   backend: CPUBackend.shared)
/// let summary = try trainer.train { progress in progress.step < 1000 }
/// ```
public final class Trainer {
  public let configuration: RunConfiguration

  private let run: RunFolder
  private let training: DataSet
  private let validation: DataSet?
  private let backend: any Backend
  private let checkpointInterval: Double
  private let learner: Learner
  private var state = TrainingState()
  private var sitting: Sitting
  private var openedRecord: TrainingRecord?

  /// Starts a run, or takes it up from its last checkpoint where the folder has one. Writes nothing.
  /// - Parameters:
  ///   - run: made by `RunFolder.create` or opened by `RunFolder.resume`, which hold its lock.
  ///   - configuration: what `config.json` of the run says.
  ///   - training: the images that the configuration describes, of the model's shape.
  ///   - validation: likewise; nil for none, and then the latest weights are the ones kept.
  ///   - backend: what computes.
  ///   - checkpointInterval: seconds, at most, that a kill can cost.
  /// - Throws: `ModelError` for a model or a batch that this machine cannot hold, `FileError` for
  ///   other images than the configuration describes, for a precision that this processor lacks and
  ///   for a damaged or foreign checkpoint.
  public init(
    run: RunFolder, configuration: RunConfiguration, training: DataSet, validation: DataSet?,
    backend: any Backend, checkpointInterval: Double = 60
  ) throws {
    try configuration.requirePrecision(of: backend, for: run)
    try configuration.data.require(
      training: training, validation: validation, for: run.path)
    self.run = run
    self.configuration = configuration
    self.training = training
    self.validation = validation
    self.backend = backend
    self.checkpointInterval = checkpointInterval
    // Where there are fewer images than a batch has, all of them are a step.
    var options = configuration.training
    options.batch = min(options.batch, training.count)
    learner = try Learner(
      configuration.model, options: options, seed: configuration.seed,
      backend: backend)
    if !run.hasCheckpoint {
      learner.startAtMarginals(of: training, pixels: configuration.pixels)
    }
    sitting = Sitting(state, done: 0)
    if run.hasCheckpoint {
      // The best weights so far are part of the state: refuse the run if they are gone or damaged.
      try learner.averagedParameters.read(from: run.weightsFile)
      state = try learner.optimiser.readCheckpoint(from: run.checkpointFile)
      try checkState()
      sitting = Sitting(state, done: done)
    }
  }

  /// The model with the moving average of the weights.
  public var averagedModel: any DensityModel { learner.averagedModel }

  /// Live weights.
  public var parameterCount: Int { learner.parameterCount }

  /// Whether there is nothing left to do.
  public var isFinished: Bool {
    switch configuration.training.duration {
    case .epochs(let count): state.epoch >= count
    // The epoch that the clock cuts short is ended too, once.
    case .minutes: isOutOfTime && state.imagesOfEpoch == 0
    }
  }

  /// Steps done, over all sittings.
  public var step: Int { state.step }

  /// Trains to the end, or until `watch`, called after every step and each batch of validation,
  /// answers false; then a checkpoint is written and the run can be resumed.
  /// - Throws: `TrainingError` where the loss is no longer finite; the last checkpoint is kept.
  ///   `FileError` where the disk fails.
  public func train(watch: (Progress) throws -> Bool) throws -> Summary {
    sitting = Sitting(state, done: done)
    if !isFinished, !run.knowsSeenImages {
      try SeenImages(training: training, validation: validation).write(to: run)
    }
    while !isFinished {
      guard try finishEpoch(watch) else { break }
      var loss: Double?
      if let validation {
        loss = try validationLoss(of: validation, watch)
        if loss == nil { break }
      }
      let isBest = try endEpoch(validation: loss)
      guard try watch(progress(.epochEnd(isBest: isBest))) else { break }
    }
    if !isFinished { try writeCheckpoint() }
    return summary
  }

  /// Shows an image in TensorBoard at the step that the training stands at. Throws a `FileError`.
  public func record(_ image: Image, as tag: String) throws {
    try record().note(image, as: tag, step: state.step)
  }
}

// MARK: Steps

extension Trainer {
  /// Goes on to the end of the epoch or of the time; false where `watch` wants to stop.
  private func finishEpoch(_ watch: (Progress) throws -> Bool) throws -> Bool {
    let (data, pixels, seed) = (training, configuration.pixels, configuration.seed)
    let (epoch, size) = (state.epoch, configuration.training.batch)
    let order = EpochOrder.indices(count: data.count, seed: seed, epoch: epoch)[
      state.imagesOfEpoch...]
    let batches = OneAhead { index in
      let indices = order.dropFirst(index * size).prefix(size)
      return indices.isEmpty
        ? nil : pixels.batch(of: data, indices: indices, epoch: epoch, seed: seed)
    }
    while !isOutOfTime {
      let start = sitting.clock.seconds
      guard let batch = batches.next() else { break }
      try step(batch)
      sitting.images += batch.count
      sitting.stepSeconds += state.seconds - start
      guard try watch(progress(.step)) else { return false }
      if isCheckpointDue { try writeCheckpoint() }
    }
    return true
  }

  /// One step of gradient descent.
  private func step(_ batch: PixelBatch) throws {
    let step = learner.step(
      batch, learningRate: configuration.training.learningRate(at: done))
    guard step.isFinite else {
      let nats = step.nats.isNaN ? .nan : step.nats / Double(batch.count)
      throw diverged(
        "step \(state.step + 1)",
        "\(nats) nats an image, gradient norm \(step.gradientNorm)")
    }
    state.step += 1
    state.imagesOfEpoch += batch.count
    state.natsOfEpoch += step.nats
    state.gradientNorm = step.gradientNorm
    state.seconds = sitting.clock.seconds
  }

  private func diverged(_ place: String, _ found: String) -> TrainingError {
    let kept = run.hasCheckpoint ? "the last checkpoint is kept" : "there is no checkpoint yet"
    return TrainingError(
      description: "\(run.path): \(place): expected a finite loss, found \(found); \(kept): start"
        + " anew with a lower learning rate")
  }
}

// MARK: Epochs

extension Trainer {
  /// The averaged model's mean over the validation images, nats; nil where `watch` wants to stop.
  private func validationLoss(of data: DataSet, _ watch: (Progress) throws -> Bool) throws
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
      throw diverged(
        "validation after step \(state.step)", "\(likelihood.natsPerImage) nats an image")
    }
    return likelihood.natsPerImage
  }

  /// Keeps the best, writes the record and, where one is due, a checkpoint. Returns whether this
  /// validation loss is the lowest so far.
  private func endEpoch(validation loss: Double?) throws -> Bool {
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
        learningRate: rate, gradientNorm: state.gradientNorm,
        imagesPerSecond: sitting.imagesPerSecond))
    let isBest = loss.map { $0 < state.bestValidation } ?? false
    if let loss, isBest {
      state.bestValidation = loss
      try keepWeights()
    }
    // Not after every epoch: short ones would do little but write.
    if isBest || isFinished || isCheckpointDue { try writeCheckpoint() }
    return isBest
  }

  /// Writes the averaged weights as those to use.
  private func keepWeights() throws {
    var metadata = ["step": "\(state.step)"]
    if state.bestValidation.isFinite {
      metadata["validation_nats_per_image"] = "\(state.bestValidation)"
    }
    try learner.averagedParameters.write(to: run.weightsFile, metadata: metadata)
  }

  private var isCheckpointDue: Bool {
    sitting.clock.seconds - sitting.lastCheckpoint >= checkpointInterval
  }

  private func writeCheckpoint() throws {
    // Until a validation has found weights that are better, the latest are the ones to use.
    if !state.bestValidation.isFinite { try keepWeights() }
    try record().synchronise()
    try learner.optimiser.writeCheckpoint(to: run.checkpointFile, state)
    sitting.lastCheckpoint = sitting.clock.seconds
  }

  /// The record of the run, opened when there is something to write down: nothing is written to a
  /// run that is finished.
  private func record() throws -> TrainingRecord {
    if let openedRecord { return openedRecord }
    let record = try TrainingRecord(of: run, after: sitting.lastRecordedStep)
    openedRecord = record
    return record
  }
}

// MARK: Where it stands

extension Trainer {
  private var stepsPerEpoch: Int {
    (training.count + configuration.training.batch - 1) / configuration.training.batch
  }

  /// Share of the training done, 0…1.
  private var done: Double {
    switch configuration.training.duration {
    case .epochs(let count):
      min(1, Double(state.step) / (Double(count) * Double(stepsPerEpoch)))
    case .minutes(let minutes): min(1, state.seconds / (60 * minutes))
    }
  }

  private var isOutOfTime: Bool {
    if case .minutes(let minutes) = configuration.training.duration {
      state.seconds >= 60 * minutes
    } else {
      false
    }
  }

  /// Mean over the epoch under way, or the latest where that has not begun; nil before the first.
  private var trainBitsPerDimension: Double? {
    if state.imagesOfEpoch > 0 {
      state.natsOfEpoch / Double(state.imagesOfEpoch) / (Double(training.dimension) * log(2))
    } else {
      state.trainBitsPerDimension.isNaN ? nil : state.trainBitsPerDimension
    }
  }

  private func progress(_ moment: Progress.Moment) -> Progress {
    Progress(
      moment: moment, step: state.step, epoch: state.epoch + (state.imagesOfEpoch > 0 ? 1 : 0),
      done: done, trainBitsPerDimension: trainBitsPerDimension ?? .nan,
      validationNatsPerImage: state.latestValidation.isNaN ? nil : state.latestValidation,
      imagesPerSecond: sitting.imagesPerSecond, secondsLeft: sitting.secondsLeft(done: done))
  }

  private var summary: Summary {
    Summary(
      epochs: state.epoch, steps: state.step, seconds: state.seconds,
      trainBitsPerDimension: trainBitsPerDimension,
      validationNatsPerImage: state.bestValidation.isFinite ? state.bestValidation : nil,
      parameters: parameterCount, interrupted: !isFinished)
  }

  /// Refuses a checkpoint of a training of other batches or images.
  private func checkState() throws {
    let size = configuration.training.batch
    let steps = state.epoch.multipliedReportingOverflow(by: stepsPerEpoch)
    let expected = steps.partialValue &+ (state.imagesOfEpoch + size - 1) / size
    // The clock can cut an epoch short.
    let isCut = isFinished && state.step < expected
    guard !steps.overflow, state.step == expected || isCut,
      state.imagesOfEpoch <= training.count,
      state.imagesOfEpoch % size == 0 || state.imagesOfEpoch == training.count
    else {
      throw FileError(
        run.checkpointFile, "metadata 'step'",
        expected: "\(stepsPerEpoch) steps an epoch of \(size) images each",
        found: "\(state.step) in \(state.epoch) epochs and \(state.imagesOfEpoch) images")
    }
  }
}

/// A training from its start, or its being taken up again, to its end or interruption.
private struct Sitting {
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
private struct Clock {
  let earlier: Double
  private let start = ContinuousClock.now

  init(earlier: Double) { self.earlier = earlier }

  var seconds: Double {
    earlier + (ContinuousClock.now - start) / .seconds(1)
  }
}
