import Foundation
import Images
import Layers
import Models
import RunFiles
import Tensors

/// What ends a training early.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
  public let description: String
}

/// Maximum likelihood, one run: batches, steps, validation, checkpoints, the record of it all.
///
/// Every draw is keyed by seed, epoch and image, so a run that was killed and resumed reaches the
/// same weights, bit for bit, as one that was not (on as many threads, with `Duration.epochs`).
public final class Trainer {
  /// Where a training stands, for whoever watches.
  public struct Progress: Sendable {
    public let step: Int
    /// 1-based.
    public let epoch: Int
    /// Share of the training done, 0…1.
    public let done: Double
    /// Mean over the epoch so far, bits a sub-pixel.
    public let trainBitsPerDimension: Double
    /// The latest, nats an image, once there is one.
    public let validationNatsPerImage: Double?
    /// Of this sitting.
    public let imagesPerSecond: Double
    public let secondsLeft: Double?
    /// Whether an epoch has just ended.
    public let epochEnded: Bool
  }

  /// What came of a training.
  public struct Summary: Sendable {
    public let epochs: Int
    public let steps: Int
    public let seconds: Double
    public let trainBitsPerDimension: Double
    /// Of the weights kept: the best epoch's.
    public let validationNatsPerImage: Double?
    public let parameters: Int
    /// Whether it was stopped before its end.
    public let interrupted: Bool
  }

  public let configuration: RunConfiguration
  /// The model with the moving average of the weights.
  public let averagedModel: any DensityModel

  private let run: RunFolder
  private let training: DataSet
  private let validation: DataSet?
  private let backend: any Backend
  private let model: any DensityModel
  private let parameters: [Parameter]
  private let averagedParameters: [Parameter]
  private let optimiser: Optimiser
  private var state = TrainingState()
  private let metrics: MetricsLog
  private let events: EventWriter

  /// Seconds between checkpoints within an epoch.
  private let checkpointInterval = 60.0

  /// Starts a run, or takes it up from its last checkpoint where the folder has one.
  /// - Throws: `ModelError`, `RunFileError`.
  public init(
    run: RunFolder, configuration: RunConfiguration, training: DataSet, validation: DataSet?,
    backend: any Backend
  ) throws {
    self.run = run
    self.configuration = configuration
    self.training = training
    self.validation = validation
    self.backend = backend
    let store = ParameterStore(seed: configuration.model.seed)
    model = try configuration.model.build(in: store)
    parameters = store.parameters
    let averagedStore = ParameterStore(seed: configuration.model.seed)
    averagedModel = try configuration.model.build(in: averagedStore)
    averagedParameters = averagedStore.parameters
    optimiser = Optimiser(parameters, averaged: averagedParameters)
    if run.hasCheckpoint { state = try optimiser.readCheckpoint(from: run.checkpointFile) }
    metrics = try MetricsLog(at: run.metricsFile, keepingStepsThrough: state.step)
    events = try EventWriter(in: run.eventsFolder, firstStep: state.step)
  }

  private var stepsPerEpoch: Int {
    (training.count + configuration.training.batch - 1) / configuration.training.batch
  }

  /// Trains to the end, or until `watch` answers false; then a checkpoint is written and the run can
  /// be resumed.
  /// - Throws: `TrainingError` where the loss is no longer finite; the last checkpoint is kept.
  ///   `RunFileError` where the disk fails.
  public func train(watch: (Progress) throws -> Bool) throws -> Summary {
    let clock = Clock(earlier: state.seconds)
    var lastCheckpoint = clock.seconds
    var imagesOfSitting = 0
    var goesOn = true
    if !FileManager.default.fileExists(atPath: run.weightsFile) { try keepWeights() }
    func progress(epochEnded: Bool) -> Progress {
      let done = share(at: clock.seconds)
      let sitting = clock.seconds - clock.earlier
      let begun = doneAtStart ?? done
      if doneAtStart == nil { doneAtStart = done }
      return Progress(
        step: state.step, epoch: state.epoch + (epochEnded ? 0 : 1), done: done,
        trainBitsPerDimension: epochEnded
          ? state.trainBitsPerDimension
          : bits(state.natsOfEpoch / Double(max(1, state.imagesOfEpoch))),
        validationNatsPerImage: state.latestValidation.isNaN ? nil : state.latestValidation,
        imagesPerSecond: Double(imagesOfSitting) / max(sitting, 1e-9),
        secondsLeft: done > begun ? sitting * (1 - done) / (done - begun) : nil,
        epochEnded: epochEnded)
    }

    while goesOn && !isDone(at: clock.seconds) {
      let order = EpochOrder.indices(
        count: training.count, seed: configuration.seed, epoch: state.epoch)
      var norm = 0.0
      while goesOn && state.imagesOfEpoch < training.count && !isOutOfTime(at: clock.seconds) {
        let batch = order[state.imagesOfEpoch...].prefix(configuration.training.batch)
        norm = try step(batch, learningRate: rate(at: clock.seconds))
        imagesOfSitting += batch.count
        state.seconds = clock.seconds
        goesOn = try watch(progress(epochEnded: false))
        if clock.seconds - lastCheckpoint > checkpointInterval {
          try writeCheckpoint()
          lastCheckpoint = clock.seconds
        }
      }
      guard goesOn else { break }
      try endEpoch(clock: clock, norm: norm, images: imagesOfSitting)
      lastCheckpoint = clock.seconds
      goesOn = try watch(progress(epochEnded: true))
    }
    let interrupted = !isDone(at: clock.seconds)
    if interrupted { try writeCheckpoint() }
    return Summary(
      epochs: state.epoch, steps: state.step, seconds: state.seconds,
      trainBitsPerDimension: state.trainBitsPerDimension,
      validationNatsPerImage: state.bestValidation.isFinite ? state.bestValidation : nil,
      parameters: parameters.reduce(0) { $0 + $1.count }, interrupted: interrupted)
  }

  /// The share done when this sitting began.
  private var doneAtStart: Double?

  private func bits(_ natsPerImage: Double) -> Double {
    natsPerImage / (Double(training.dimension) * log(2))
  }

  private func share(at seconds: Double) -> Double {
    switch configuration.training.duration {
    case .epochs(let count): min(1, Double(state.step) / Double(max(1, count * stepsPerEpoch)))
    case .minutes(let minutes): min(1, seconds / (60 * minutes))
    }
  }

  private func rate(at seconds: Double) -> Double {
    configuration.training.learningRate(at: share(at: seconds))
  }

  private func isOutOfTime(at seconds: Double) -> Bool {
    if case .minutes(let minutes) = configuration.training.duration {
      return seconds >= 60 * minutes
    }
    return false
  }

  private func isDone(at seconds: Double) -> Bool {
    switch configuration.training.duration {
    case .epochs(let count): state.epoch >= count
    // The epoch that the clock cuts short is ended too, once.
    case .minutes: isOutOfTime(at: seconds) && state.imagesOfEpoch == 0
    }
  }

  /// One step of gradient descent; the norm of the gradient.
  private func step(_ indices: some Collection<Int>, learningRate: Double) throws -> Double {
    let batch = configuration.pixels.batch(
      of: training, indices: indices, epoch: state.epoch, seed: configuration.seed)
    let context = Context(
      backend: backend, precision: configuration.training.precision, tape: Tape(),
      step: state.step)
    let logProbability = model.conditionals(batch, in: context).logProbability(
      of: batch, in: context)
    let nats = -logProbability.value.floats.reduce(0.0) { $0 + Double($1) }
    let gradients = context.gradients(of: logProbability, seed: -1 / Double(batch.count))
    let norm = optimiser.update(
      gradients, learningRate: learningRate, options: configuration.training,
      // The gradient is of nats an image, the limit of nats a sub-pixel.
      limit: configuration.training.clip * Double(training.dimension), backend: backend)
    guard nats.isFinite, norm.isFinite else {
      throw TrainingError(
        description: "\(run.path): step \(state.step + 1): expected a finite loss, found"
          + " \(nats / Double(batch.count)) nats (gradient norm \(norm)); the last checkpoint is"
          + " kept: start anew with a lower --learning-rate")
    }
    state.step += 1
    state.imagesOfEpoch += batch.count
    state.natsOfEpoch += nats
    return norm
  }

  /// Validates, keeps the best, writes the record and a checkpoint.
  private func endEpoch(clock: Clock, norm: Double, images: Int) throws {
    state.trainBitsPerDimension = bits(
      state.natsOfEpoch / Double(max(1, state.imagesOfEpoch)))
    let rate = rate(at: clock.seconds)
    state.epoch += 1
    state.imagesOfEpoch = 0
    state.natsOfEpoch = 0
    if let validation {
      let context = Context(backend: backend, precision: .float32)
      let loss = averagedModel.likelihood(
        of: validation, pixels: configuration.pixels, seed: configuration.seed, in: context
      ).natsPerImage
      state.latestValidation = loss
      if loss < state.bestValidation {
        state.bestValidation = loss
        state.bestEpoch = state.epoch
        try keepWeights()
      }
    } else {
      try keepWeights()
    }
    state.seconds = clock.seconds
    let imagesPerSecond = Double(images) / max(clock.seconds - clock.earlier, 1e-9)
    try metrics.append(
      MetricsRow(
        step: state.step, epoch: state.epoch, seconds: state.seconds,
        trainBitsPerDimension: state.trainBitsPerDimension,
        validationNatsPerImage: validation == nil ? nil : state.latestValidation,
        learningRate: rate, gradientNorm: norm, imagesPerSecond: imagesPerSecond))
    try events.scalar("train/bits_per_dimension", state.trainBitsPerDimension, step: state.step)
    if validation != nil {
      try events.scalar("validation/nats_per_image", state.latestValidation, step: state.step)
    }
    try events.scalar("train/learning_rate", rate, step: state.step)
    try events.scalar("train/gradient_norm", norm, step: state.step)
    try events.scalar("train/images_per_second", imagesPerSecond, step: state.step)
    try writeCheckpoint()
  }

  /// Writes the averaged weights as those to use.
  private func keepWeights() throws {
    try averagedParameters.write(
      to: run.weightsFile,
      metadata: ["step": "\(state.step)", "validation_nats_per_image": "\(state.bestValidation)"])
  }

  private func writeCheckpoint() throws {
    try metrics.synchronise()
    try optimiser.writeCheckpoint(to: run.checkpointFile, state)
  }

  /// Shows an image in TensorBoard.
  public func record(_ image: Image, as tag: String) throws {
    try events.image(
      tag, png: image.encodedPNG(), width: image.width, height: image.height,
      channels: image.channels, step: state.step)
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
