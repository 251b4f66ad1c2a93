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
  var state = TrainingState()
  var sitting: Sitting

  let run: RunFolder
  let validation: DataSet?
  let backend: any Backend
  let checkpointInterval: Double
  /// Whether the run is taken further, which no file of it says yet.
  private var beginsSchedule = false
  var openedRecord: TrainingRecord?

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
    self.training = training.changed(as: configuration)
    self.validation = validation
    self.backend = backend
    self.checkpointInterval = checkpointInterval
    // Where there are fewer images than a batch has, all of them are a step.
    var options = configuration.training
    options.batch = min(options.batch, training.count)
    learner = try Learner(
      configuration.model, options: options, adapters: configuration.start?.adapters,
      seed: configuration.seed, backend: backend)
    schedule = Schedule(configuration)
    sitting = Sitting(state, done: 0)
    if let start = configuration.start, start.adapters != nil || !run.hasCheckpoint {
      try learner.start(
        from: start.opened(for: run.configurationFile, backend: backend), for: run.path)
    }
    if run.hasCheckpoint {
      try takeUp()
      learner.settle()
      sitting = Sitting(state, done: schedule.done(state))
    } else if configuration.start == nil {
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
      (state.scheduleBestShare, state.worseValidations) = (0, 0)
      state.averageOrigin = nil
      beginsSchedule = true
    } else {
      try learner.optimiser.readCheckpoint(file)
      learner.optimiser.resume(
        at: state.step, since: schedule.begun.steps,
        averageSince: state.averageOrigin ?? schedule.begun.steps)
      try schedule.check(state, of: run.checkpointFile)
    }
  }

  /// The model with the moving average of the weights.
  public var averagedModel: any LearnedModel { learner.averagedModel }

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
      learner.settle()
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
