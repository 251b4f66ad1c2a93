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
public final class Learner {
  /// What came of a step; its weights are only as good as these are finite.
  public struct Step: Sendable {
    /// Negative log-likelihood of the batch before the step, the sum over its images, nats.
    public let nats: Double
    /// Norm of the gradient of nats an image, before clipping.
    public let gradientNorm: Double

    public var isFinite: Bool { nats.isFinite && gradientNorm.isFinite }
  }

  public let model: any DensityModel
  /// The model with the moving average of the weights.
  public let averagedModel: any DensityModel
  /// Live weights.
  public let parameterCount: Int

  let averagedParameters: [Parameter]
  let optimiser: Optimiser
  private let options: TrainingOptions
  private let seed: UInt64
  private let backend: any Backend

  /// - Parameters:
  ///   - options: clipping, weight decay, average, precision, and the batch that there must be memory
  ///     for; the rest is the caller's.
  ///   - seed: keys what a step draws (dropout).
  /// - Throws: `ModelError` for a model or a batch that this machine cannot hold.
  public init(
    _ specification: ModelSpecification, options: TrainingOptions, seed: UInt64 = 0,
    backend: any Backend
  ) throws {
    self.options = options
    self.seed = seed
    self.backend = backend
    let store = ParameterStore(seed: specification.seed)
    model = try specification.build(in: store)
    try model.requireRoom(
      forStepsOf: options.batch, store.parameters, options.precision, named: specification.name)
    parameterCount = store.parameters.reduce(0) { $0 + $1.count }
    let averagedStore = ParameterStore(copying: store)
    averagedModel = try specification.build(in: averagedStore)
    averagedParameters = averagedStore.parameters
    optimiser = Optimiser(
      store.parameters, averaged: averagedParameters, precision: options.precision)
  }

  /// Starts the output biases of a new model at the marginals of the images.
  func startAtMarginals(of data: any TrainingImages, pixels: PixelEncoding) {
    model.startAtMarginals(of: data, pixels: pixels, seed: seed)
    if let average = averagedModel.outputBias, let bias = model.outputBias {
      average.value.copy(from: bias.value)
    }
  }

  /// Starts anew from the weights that the averaged model has been given: no moments, an average of
  /// these weights alone.
  func startAnew(at step: Int) {
    for entry in optimiser.entries { entry.parameter.value.copy(from: entry.average) }
    optimiser.resume(at: step, since: step)
  }

  /// What a step computes of a batch before it moves the weights, for its cost alone.
  func rehearse(_ batch: PixelBatch) { _ = gradients(batch) }

  /// One step of gradient descent on a batch's mean negative log-likelihood.
  public func step(_ batch: PixelBatch, learningRate: Double) -> Step {
    let (nats, gradients) = gradients(batch)
    let norm = optimiser.update(
      gradients, learningRate: learningRate, options: options,
      // The gradient is of nats an image, the limit of nats a sub-pixel.
      limit: options.clip * Double(batch.dimension), backend: backend)
    return Step(nats: nats, gradientNorm: norm)
  }

  private func gradients(_ batch: PixelBatch) -> (nats: Double, gradients: Gradients) {
    let context = Context(
      Engine(backend, options.precision), mode: .training(step: optimiser.step, seed: seed),
      tape: Tape(), prepared: PreparedWeights(copies: optimiser.copies))
    let logProbability = model.conditionals(batch, in: context).logProbability(
      of: batch, in: context)
    let nats = -logProbability.value.floats.reduce(0.0) { $0 + Double($1) }
    return (nats, context.gradients(of: logProbability, seed: -1 / Double(batch.count)))
  }
}
