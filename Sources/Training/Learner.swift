import Images
import Layers
import Models
import Tensors

/// A model that learns: its weights, their moving average, the optimiser, and the step that moves
/// them.
///
/// ```swift
/// let learner = try Learner(specification, options: options, backend: CPUBackend.shared)
/// let step = learner.step(batch, learningRate: options.learningRate)
/// ```
///
/// A step is two calls, and between them gradients can be summed: of parts of a batch that would not
/// fit in memory at once, or of several processes.
///
/// ```swift
/// var gradients = learner.gradients(of: half, ofImages: 64)
/// gradients.add(learner.gradients(of: otherHalf, ofImages: 64))
/// let step = learner.update(along: gradients, learningRate: options.learningRate)
/// ```
public final class Learner {
  /// What came of a step; its weights are only as good as these are finite.
  public struct Step: Sendable {
    /// Negative log-likelihood of the batch before the step, the sum over its images, nats.
    public let nats: Double
    /// Norm of the gradient of nats an image, before clipping.
    public let gradientNorm: Double

    public var isFinite: Bool { nats.isFinite && gradientNorm.isFinite }
  }

  public let model: any LearnedModel
  /// The model with the moving average of the weights.
  public let averagedModel: any LearnedModel
  /// The averaged model of a learner of a density.
  public var averagedDensity: any DensityModel {
    guard let density = averagedModel as? any DensityModel else {
      preconditionFailure("a classifier is no density")
    }
    return density
  }

  /// Live weights.
  public let parameterCount: Int

  /// What a run keeps: the moving average of what is learned.
  let averagedParameters: [Parameter]
  /// Of weights that stay as they are; empty where all are learned.
  private let adapters: [Adapter]
  private let averagedAdapters: [Adapter]
  private let weights: (own: [Parameter], averaged: [Parameter])
  let optimiser: Optimiser
  private let options: TrainingOptions
  private let seed: UInt64
  private let backend: any Backend

  /// - Parameters:
  ///   - options: clipping, weight decay, average, precision, and the batch that there must be memory
  ///     for; the rest is the caller's.
  ///   - adapters: the rank of additions that are learned instead of the weights; nil: the weights are.
  ///   - seed: keys what a step draws (dropout).
  /// - Throws: `ModelError` for a model or a batch that this machine cannot hold.
  public init(
    _ specification: ModelSpecification, options: TrainingOptions, adapters rank: Int? = nil,
    seed: UInt64 = 0, backend: any Backend
  ) throws {
    self.options = options
    self.seed = seed
    self.backend = backend
    let store = ParameterStore(seed: specification.seed)
    model = try specification.learned(in: store)
    try model.requireRoom(
      forStepsOf: options.batch, store.parameters, options.precision, named: specification.name)
    let averagedStore = ParameterStore(copying: store)
    averagedModel = try specification.learned(in: averagedStore)
    let weights = (own: store.parameters, averaged: averagedStore.parameters)
    self.weights = weights
    guard let rank else {
      (adapters, averagedAdapters) = ([], [])
      parameterCount = weights.own.reduce(0) { $0 + $1.count }
      averagedParameters = weights.averaged
      optimiser = Optimiser(
        weights.own, averaged: weights.averaged, precision: options.precision,
        by: options.rule, output: model.outputBias)
      return
    }
    let learned = ParameterStore(seed: seed)
    adapters = Adapter.all(of: weights.own, rank: rank, in: learned)
    let averaged = ParameterStore(copying: learned)
    averagedAdapters = Adapter.all(of: weights.averaged, rank: rank, in: averaged)
    parameterCount = learned.parameters.reduce(0) { $0 + $1.count }
    averagedParameters = averaged.parameters
    optimiser = Optimiser(
      learned.parameters, averaged: averaged.parameters, precision: options.precision)
  }

  /// Starts from the weights of another run.
  /// - Parameter file: what is to be named where they do not fit.
  func start(from base: TrainedModel, for file: String) throws {
    try base.copyWeights(to: weights.own, for: file)
    for (own, averaged) in zip(weights.own, weights.averaged) {
      averaged.value.copy(from: own.value)
    }
  }

  /// Brings the averaged model to the average of what was learned, where that is no weights of its own.
  func settle() {
    for (own, averaged) in zip(adapters, averagedAdapters) {
      averaged.base.value.copy(from: own.base.value)
      averaged.write(into: averaged.base.value, alone: backend)
    }
  }

  /// Starts the output biases of a new density at the marginals of the images.
  func startAtMarginals(of data: any TrainingImages, pixels: PixelEncoding) {
    guard let density = model as? any DensityModel else { return }
    density.startAtMarginals(of: data, pixels: pixels, seed: seed)
    for (own, averaged) in zip(weights.own, weights.averaged) {
      averaged.value.copy(from: own.value)
    }
  }

  /// Starts anew from the weights that the averaged model has been given: no moments, an average of
  /// these weights alone.
  func startAnew(at step: Int) {
    for entry in optimiser.entries { entry.parameter.value.copy(from: entry.average) }
    optimiser.resume(at: step, since: step, averageSince: step)
  }

  /// Whether the weights can be used without their average: additions to weights are in no model of
  /// their own.
  var standsAlone: Bool { adapters.isEmpty && !isFitted }

  /// What a step computes of a batch before it moves the weights, for its cost alone.
  func rehearse(_ batch: PixelBatch) { _ = gradients(of: batch) }

  /// One step of gradient descent on a batch's mean negative log-likelihood.
  public func step(_ batch: PixelBatch, learningRate: Double) -> Step {
    update(along: gradients(of: batch), learningRate: learningRate)
  }

  /// The first half of a step: nothing is changed. What a step draws (dropout) it draws for places in
  /// the batch, the same in each part of one.
  /// - Parameter images: how many the whole batch has of which this is a part; nil if it is the whole.
  public func gradients(of batch: PixelBatch, ofImages images: Int? = nil) -> BatchGradients {
    let context = Context(
      Engine(backend, options.precision), mode: .training(step: optimiser.step, seed: seed),
      tape: Tape(), prepared: PreparedWeights(copies: optimiser.copies))
    for adapter in adapters { adapter.stand(in: context) }
    let logLikelihood = model.logLikelihood(of: batch, in: context)
    let terms = logLikelihood.value
    return BatchGradients(
      nats: -terms.sums(ofEach: terms.count / terms.shape[0]).reduce(0, +),
      images: images ?? batch.count,
      dimension: model.dimension,
      gradients: context.gradients(
        of: logLikelihood, seed: -1 / Double(images ?? batch.count)),
      parameters: optimiser.entries.map(\.parameter), backend: backend)
  }

  /// The second: moves the weights, once a step.
  public func update(along batch: BatchGradients, learningRate: Double) -> Step {
    let norm = optimiser.update(
      batch.gradients, learningRate: learningRate, options: options,
      // The gradient is of nats an image, the limit of nats a sub-pixel.
      limit: options.clip * Double(batch.dimension), backend: backend)
    return Step(nats: batch.nats, gradientNorm: norm)
  }
}
