import Heads
import Models

/// A number that says how odd an image is, beyond its likelihood.
///
/// A new score is a file in `Scores` and a word in `all`: what it needs is computed for it, once for
/// all scores, in one pass of the model.
public struct Score: Sendable {
  /// Its name in tables and files.
  public let name: String
  /// One line for people.
  public let help: String
  /// What it is computed from.
  public let needs: Evidence.Needs
  /// Which of its values are odd.
  public let oddTail: Tail
  /// Which of its values count against an image in the verdict; nil where it is no part of that.
  public let verdictTail: Tail?
  /// Images that have it.
  let isOf: @Sendable (ImageShape) -> Bool
  let value: @Sendable (Evidence, Normals) -> Double

  init(
    _ name: String, _ help: String, needs: Evidence.Needs = [], odd: Tail = .high,
    inVerdict verdictTail: Tail? = nil,
    of isOf: @escaping @Sendable (ImageShape) -> Bool = { _ in true },
    value: @escaping @Sendable (Evidence, Normals) -> Double
  ) {
    self.name = name
    self.help = help
    self.needs = needs
    self.oddTail = odd
    self.verdictTail = verdictTail
    self.isOf = isOf
    self.value = value
  }

  /// Every score beyond the likelihood, in the order of a table's columns.
  public static let all =
    [
      inputComplexity, normalisedSurprise, pitDistance, typicality, losslessLength, levelDistance,
      gaussianInside, gaussianResidual, mirrored, upsideDown,
    ] + bands + channels

  /// The score of a name that is no score of one image's evidence alone: all those in a verdict, as one
  /// number.
  public static let verdict = "verdict"

  /// Which values of a column of a table are odd, by its name.
  public static func oddTail(of name: String) -> Tail {
    all.first { $0.name == name }?.oddTail ?? .high
  }
}

/// What scores have learned from held-out normal images: nothing where there is no calibration.
struct Normals: Sendable {
  /// Mean of a score over the normal images, by its name.
  let means: [String: Double]

  init(_ calibration: Calibration?) {
    means =
      calibration?.scores.mapValues { $0.reduce(0, +) / Double($0.count) } ?? [:]
  }
}
