import Tensors

/// What a family is trained with where nothing else is asked for.
///
/// | images to learn from | |
/// |---|---|
/// | any | the family's own batch and learning rate, and as many epochs as make `fewestSteps`, 20 at least |
/// | fewer than `few` | of families that have `dropout`, a fifth of it, and weight decay |
/// | any, by Muon | `muonDecay`: its steps never shrink, and without it weights outgrow them |
///
/// So few images are soon known by heart, and 20 epochs of them are over before anything is learned;
/// validation ends a training that lasts too long.
public struct Recipe: Equatable, Sendable {
  /// Images a step.
  public let batch: Int
  /// The highest learning rate, of either optimiser.
  public let learningRate: Double
  public let weightDecay: Double
  /// Passes over the images.
  public let epochs: Int
  /// Settings of the model that have other values than their defaults.
  public let settings: [String: String]

  /// Below so many images networks are held back.
  public static let few = 10_000
  public static let fewestSteps = 2_000
  /// The weight decay of a training by Muon.
  public static let muonDecay = 0.5
}

extension ModelFamily {
  /// - Parameters:
  ///   - count: images to learn from; nil: many.
  ///   - optimiser: nil for the family's own.
  public func recipe(images count: Int? = nil, by optimiser: OptimiserName? = nil) -> Recipe {
    let isHeldBack =
      settings.contains { $0.name == "dropout" } && count.map { $0 < Recipe.few } ?? false
    let decay =
      (optimiser ?? self.optimiser) == .muon ? Recipe.muonDecay : isHeldBack ? 0.05 : 0
    // Where there are fewer images than a batch has, all of them are a step.
    let steps = count.map { ($0 + batch - 1) / batch } ?? Recipe.fewestSteps
    return Recipe(
      batch: batch, learningRate: learningRate, weightDecay: decay,
      epochs: max(20, (Recipe.fewestSteps + steps - 1) / max(1, steps)),
      settings: isHeldBack ? ["dropout": "0.2"] : [:])
  }
}
