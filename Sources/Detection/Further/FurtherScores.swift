import Models
import Training

/// Which scores that take passes of their own are asked for, and what one of them needs.
public struct FurtherScores {
  public let scores: [Score]
  /// Another run over the same images, for `ratio`.
  public let other: TrainedModel?

  /// None.
  public init() { (scores, other) = ([], nil) }

  /// - Parameters:
  ///   - names: of `Score.further`, in any order.
  ///   - other: another run over the same images; with one there is also `ratio`.
  /// - Throws: `DetectionError` for an unknown name, and for `ratio` without another run.
  public init(_ names: [String], against other: TrainedModel? = nil) throws(DetectionError) {
    let known = Score.further.map(\.name)
    for name in names where !known.contains(name) { throw .unknownFurther(name, known: known) }
    let wanted = Set(names + (other == nil ? [] : [Score.ratio.name]))
    if wanted.contains(Score.ratio.name), other == nil {
      throw .missing("run to compare by (--against) for ratio")
    }
    scores = Score.further.filter { wanted.contains($0.name) }
    self.other = other
  }

  /// Refuses what a run cannot be asked for.
  func check(_ trained: TrainedModel, _ calibration: Calibration?) throws(DetectionError) {
    let (model, family) = (trained.configuration.model, trained.configuration.model.family)
    for score in scores {
      guard score.isOf(model.image), !(score.needs.contains(.gradient) && family.isClosedForm),
        !(score.needs.contains(.orders) && trained.model.knownOrders == 1)
      else {
        throw .notOfRun(score: score.name, run: trained.run.path)
      }
    }
    guard let other else { return }
    guard other.configuration.model.image == model.image,
      other.configuration.pixels == trained.configuration.pixels
    else {
      throw .otherImages(
        expected: "\(model.image), \(trained.configuration.pixels.rawValue)",
        found: "\(other.configuration.model.image), \(other.configuration.pixels.rawValue)",
        run: other.run.path)
    }
    if let calibrated = calibration?.against, calibrated != other.weightsFingerprint {
      throw .otherWeights(path: trained.run.calibrationFile)
    }
  }
}

/// Scores that take passes of their own. They are computed where they are asked for by name, and are no part
/// of a verdict.
extension Score {
  public static let further = [stirring, shaking, disagreement, gradientNorm, ratio]

  /// −log p(x) less its mean over the image's other flips and quarter turns (three of a rectangle, seven of a
  /// square), nats. Normal images are likelier as they are; what the model knows nothing of is as likely
  /// either way (stirring; 2023).
  static let stirring = Score(
    "stirring", "nats beyond those of the image's flips and quarter turns", needs: .stirred
  ) { evidence, _ in evidence.nats - evidence.stirredNats }

  /// −log p(x) less its mean over the nine derangements of the image's quarters, nats (shaking; 2023).
  static let shaking = Score(
    "shaking", "nats beyond those of the image with its quarters exchanged", needs: .shaken,
    of: { $0.height > 1 && $0.width > 1 },
    value: { evidence, _ in evidence.nats - evidence.shakenNats })

  /// The standard deviation of −log p(x) over the orders that a run of several knows, nats: its orders are
  /// as many models, which were told the same images and agree on those alone.
  static let disagreement = Score(
    "disagreement", "standard deviation of nats over the orders that the run knows",
    needs: .orders
  ) { evidence, _ in evidence.disagreement }

  /// The mean over the model's arrays of weights of ln ‖∂ log p(x) / ∂θ‖²: how much the model would have to
  /// learn to have expected the image, and as odd where that is little.
  static let gradientNorm = Score(
    "gradient", "mean logarithm of the squared norm of log p's gradient in the weights",
    needs: .gradient, odd: .both
  ) { evidence, _ in evidence.gradient }

  /// −log p(x) less that by another run, nats. By one of a short reach, what it finds odd beyond any texture
  /// (the local ratio; Zhang et al. 2021, arXiv:2108.12753); by one of noisy images, beyond any background
  /// (Ren et al. 2019, arXiv:1906.02845).
  static let ratio = Score(
    "ratio", "nats beyond those by the run of --against", needs: .other
  ) { evidence, _ in evidence.nats - evidence.otherNats }
}
