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

  let training: any TrainingImages
  let learner: Learner
  let schedule: Schedule
  private(set) var state = TrainingState()
  private(set) var sitting: Sitting

  private let run: RunFolder
  private let validation: DataSet?
  private let backend: any Backend
  private let checkpointInterval: Double
  /// Whether the run is taken further, which no file of it says yet.
  private var beginsSchedule = false
  private var openedRecord: TrainingRecord?

  /// Starts a run, or takes it up from its last checkpoint where the folder has one. Writes nothing.
  /// - Parameters:
  ///   - run: made by `RunFolder.create` or `claim`, or opened by `RunFolder.resume`, which hold its
  ///     lock.
  ///   - configuration: what `config.json` of the run says, or is to say from the first step on.
  ///   - training: the images that the configuration describes, of the model's shape.
  ///   - validation: likewise; nil for none, and then the latest weights are the ones kept.
  ///   - backend: what computes.
  ///   - checkpointInterval: seconds, at most, that a kill can cost.
  /// - Throws: `ModelError` for a model or a batch that this machine cannot hold, `FileError` for
  ///   other images than the configuration describes, for a precision that this processor lacks and
  ///   for a damaged or foreign checkpoint.
  public init(
    run: RunFolder, configuration: RunConfiguration, training: any TrainingImages,
    validation: DataSet?,
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
    schedule = Schedule(configuration)
    sitting = Sitting(state, done: 0)
    if run.hasCheckpoint {
      try takeUp()
      sitting = Sitting(state, done: schedule.done(state))
    } else {
      learner.startAtMarginals(of: training, pixels: configuration.pixels)
    }
  }

  /// Takes up the last checkpoint.
  private func takeUp() throws {
    let file = try TensorFile(reading: run.checkpointFile)
    state = try TrainingState(file)
    // The best weights so far are part of the state: refuse the run if they are gone or damaged. (But a
    // kill may have come between the first checkpoint and the same weights.)
    let last = configuration.earlier?.last
    let isTakenFurther =
      state.schedule == schedule.number - 1 && state.imagesOfEpoch == 0
      && state.step == last?.steps && state.epoch == last?.epochs
    if run.hasWeights || isTakenFurther || state.weightsStep != state.step {
      try learner.averagedParameters.read(from: run.weightsFile)
    }
    if isTakenFurther {
      // From the best weights, which the averaged model now has.
      learner.startAnew(at: state.step)
      state.schedule += 1
      (state.scheduleBest, state.scheduleBestEpoch) = (.infinity, state.epoch)
      state.scheduleBestShare = 0
      beginsSchedule = true
    } else {
      try learner.optimiser.readCheckpoint(file)
      learner.optimiser.resume(at: state.step, since: schedule.begun.steps)
      try schedule.check(state, of: run.checkpointFile)
    }
  }

  /// The model with the moving average of the weights.
  public var averagedModel: any DensityModel { learner.averagedModel }

  /// Live weights.
  public var parameterCount: Int { learner.parameterCount }

  /// Whether there is nothing left to do.
  public var isFinished: Bool { schedule.isOver(state) }

  /// Steps done, over all sittings.
  public var step: Int { state.step }

  /// Trains to the end, or until `watch`, called after every step and each batch of validation,
  /// answers false; then a checkpoint is written and the run can be resumed.
  /// - Throws: `TrainingError` where the loss is no longer finite; the last checkpoint is kept.
  ///   `FileError` where the disk fails.
  public func train(watch: (Progress) throws -> Bool) throws -> Summary {
    sitting = Sitting(state, done: done)
    if !run.hasConfiguration { try run.writeConfiguration(configuration) }
    if !isFinished, !run.knowsSeenImages {
      try SeenImages(training: training, validation: validation).write(to: run)
    }
    if beginsSchedule {
      try run.writeConfiguration(configuration)
      // At once: from it alone can the schedule be begun from these weights again.
      try save()
      beginsSchedule = false
    }
    if run.hasCheckpoint && !run.hasWeights { try keepWeights() }
    while !isFinished {
      guard try finishEpoch(watch) else { break }
      var loss: Double?
      if let validation, isValidationDue {
        loss = try validationLoss(of: validation, watch)
        if loss == nil { break }
      }
      let isBest = try endEpoch(validation: loss)
      guard try watch(progress(.epochEnd(isBest: isBest))) else { break }
    }
    if !isFinished { try save() }
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

  private func diverged(at moment: TrainingError.Moment, _ nats: Double) -> TrainingError {
    .diverged(
      run: run.path, at: moment, natsPerImage: nats, keepsCheckpoint: run.hasCheckpoint)
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
      throw diverged(at: .validation(afterStep: state.step), likelihood.natsPerImage)
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
        validationBitsPerDimension: loss.map(bitsPerDimension), learningRate: rate,
        gradientNorm: state.gradientNorm,
        imagesPerSecond: sitting.imagesPerSecond))
    if let loss, loss < state.scheduleBest {
      (state.scheduleBest, state.scheduleBestEpoch) = (loss, state.epoch)
      state.scheduleBestShare = done
    }
    let isBest = loss.map { $0 < state.bestValidation } ?? false
    if let loss, isBest { (state.bestValidation, state.bestEpoch) = (loss, state.epoch) }
    // Not after every epoch: short ones would do little but write.
    if isBest || isFinished || isCheckpointDue { try save(isBest: isBest) }
    return isBest
  }

  private var isCheckpointDue: Bool {
    sitting.clock.seconds - sitting.lastCheckpoint >= checkpointInterval
  }

  /// Writes a checkpoint and, where they are the ones to use, the averaged weights.
  private func save(isBest: Bool = false) throws {
    // Until a validation has found weights that are better, the latest are the ones to use.
    let keeps = isBest || !state.bestValidation.isFinite
    if keeps { state.weightsStep = state.step }
    try record().synchronise()
    // The first checkpoint comes before the first weights: weights alone are those of a run that has
    // lost its checkpoint.
    let isFirst = !run.hasCheckpoint
    if keeps && !isFirst { try keepWeights() }
    try learner.optimiser.writeCheckpoint(to: run.checkpointFile, state)
    if keeps && isFirst { try keepWeights() }
    sitting.lastCheckpoint = sitting.clock.seconds
  }

  /// Writes the averaged weights as those to use.
  private func keepWeights() throws {
    var metadata = ["step": "\(state.weightsStep)"]
    if state.bestValidation.isFinite {
      metadata["validation_nats_per_image"] = "\(state.bestValidation)"
    }
    try learner.averagedParameters.write(to: run.weightsFile, metadata: metadata)
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
