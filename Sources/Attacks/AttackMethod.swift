import Images
import Models

/// The attacks by name, and controls of the same size.
public enum AttackMethod: String, CaseIterable, Sendable {
  case fgsm, bim, pgd
  case pgdL2 = "pgd-l2"
  case deepfool
  case cw
  /// Also against a detector by the likelihood of a density.
  case detector
  /// Also against a purifier by a density.
  case purifier
  case uniform
  case normal
  case brighter
  case jpeg
  case none

  /// What it does, in a line.
  public var summary: String {
    switch self {
    case .fgsm: "one step along the gradient's signs"
    case .bim: "many such steps, from the image"
    case .pgd: "many such steps, from draws around the image"
    case .pgdL2: "the same within a distance of L2"
    case .deepfool: "to the nearest border, as if it were linear"
    case .cw: "the shortest move in L2 that fools (Carlini and Wagner)"
    case .detector: "fools the classifier, and is likely by --density"
    case .purifier: "fools the classifier behind purify by --density"
    case .uniform: "uniform noise of the same size"
    case .normal: "normal noise of the same size"
    case .brighter: "all sub-pixels brighter by as much"
    case .jpeg: "as a JPEG file of quality 30 keeps the image"
    case .none: "the image as it is"
    }
  }

  /// Whether it looks for the smallest move, and has no ε.
  public var findsSmallest: Bool { self == .deepfool || self == .cw }
  /// Whether it attacks a density too.
  public var needsDensity: Bool { self == .detector || self == .purifier }
  /// Steps, where nobody says how many; nil where there is no choice.
  public var usualSteps: Int? {
    switch self {
    case .bim, .pgd, .pgdL2, .detector: 40
    case .purifier: 20
    case .deepfool: 50
    case .cw: 100
    default: nil
    }
  }

  /// The attack.
  /// - Parameters:
  ///   - epsilon: the most that an intensity 0…1 moves, or the distance in L2.
  ///   - steps: nil for as many as usual.
  ///   - starts: of projected gradient descent.
  ///   - density: for those that attack one too.
  ///   - purifierEpsilon: the most that the purifier is taken to move an intensity 0…1.
  public func attack(
    on image: ImageShape, epsilon: Float, steps: Int? = nil, starts: Int = 1,
    density: KnownDensity? = nil, purifierEpsilon: Float = 0
  ) -> any Attack {
    let steps = steps ?? usualSteps ?? 1
    func known() -> KnownDensity {
      guard let density else { preconditionFailure("\(self) attacks a density, and there is none") }
      return density
    }
    switch self {
    case .fgsm: return GradientAttack.fgsm(epsilon: epsilon)
    case .bim: return GradientAttack.bim(epsilon: epsilon, steps: steps)
    case .pgd: return GradientAttack.pgd(.box(epsilon), steps: steps, starts: starts)
    case .pgdL2: return GradientAttack.pgd(.sphere(epsilon), steps: steps, starts: starts)
    case .deepfool:
      var attack = DeepFool()
      attack.steps = steps
      return attack
    case .cw:
      var attack = CarliniWagner()
      attack.steps = steps
      return attack
    case .detector: return DetectorAttack(.box(epsilon), steps: steps, density: known())
    case .purifier:
      let density = known()
      let top = Float(density.model.head.levels - 1)
      return PurifierAttack(
        .box(epsilon), steps: steps, reach: max(1, Int(purifierEpsilon * top)), density: density)
    case .uniform: return Noise.uniform(epsilon)
    case .normal: return Noise.normal(epsilon)
    case .brighter: return Noise.brighter(epsilon)
    case .jpeg:
      return Noise.jpeg(height: image.height, width: image.width, channels: image.channels)
    case .none: return Noise.none
    }
  }
}
