import Images
import Models
import Tensors

/// Models whose weights come of the images in closed form.
extension Learner {
  private static let mostValidationImages = 2_000
  private static let mostScoredImages = 500

  /// Whether the model is fitted, and not trained by steps.
  var isFitted: Bool { model is any ClosedForm }

  /// Fits the model.
  /// - Returns: the mean negative log-likelihood of images that it was fitted to, nats.
  func fit(
    _ training: any TrainingImages, validation: (any TrainingImages)?, _ pixels: PixelEncoding,
    seed: UInt64, in engine: Engine
  ) -> Double {
    guard let model = model as? any ClosedForm else {
      preconditionFailure("a model that is trained by steps has no fit")
    }
    func batch(_ images: any TrainingImages, atMost most: Int) -> PixelBatch {
      let step = max(1, (images.count + most - 1) / most)
      let chosen = Array(stride(from: 0, to: images.count, by: step))
      return images.batch(chosen, as: pixels, epoch: 0, seed: seed)
    }
    model.fit(
      batch(training, atMost: max(1, model.mostFitted / model.image.dimension)),
      validation: validation.map { batch($0, atMost: Self.mostValidationImages) })
    for entry in optimiser.entries { entry.average.copy(from: entry.parameter.value) }
    let scored = batch(training, atMost: Self.mostScoredImages)
    let nats = averagedModel.logProbability(of: scored, in: Context(engine))
    return -nats.reduce(0, +) / Double(scored.count)
  }
}
