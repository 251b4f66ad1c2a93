import Images
import Models
import Tensors

/// Models whose weights come of the images in closed form.
extension Learner {
  /// Numbers that a fit takes at most, 100 MB of them: of more images, evenly spaced ones.
  private static let mostNumbers = 25_000_000
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
    let dimension = model.image.dimension
    func batch(_ images: any TrainingImages, atMost most: Int) -> PixelBatch {
      let step = max(1, (images.count + most - 1) / most)
      let chosen = Array(stride(from: 0, to: images.count, by: step))
      return images.batch(chosen, as: pixels, epoch: 0, seed: seed)
    }
    func rows(_ batch: PixelBatch) -> Rows {
      let scale = 1 / Float(batch.levels - 1)
      return Rows(
        batch.symbols.map { Float($0) * scale }, count: batch.count, labels: batch.labels)
    }
    let others = validation.map { rows(batch($0, atMost: Self.mostValidationImages)) }
    model.fit(
      rows(batch(training, atMost: max(1, Self.mostNumbers / dimension))),
      validation: others ?? Rows([], count: 0, labels: []))
    for entry in optimiser.entries { entry.average.copy(from: entry.parameter.value) }
    let scored = batch(training, atMost: Self.mostScoredImages)
    let nats = averagedModel.logProbability(of: scored, in: Context(engine))
    return -nats.reduce(0, +) / Double(scored.count)
  }
}
