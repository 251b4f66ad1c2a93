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
  /// Whether it tells of places, which mean something only where images are aligned: elsewhere it is no
  /// part of a verdict.
  public let isOfPlace: Bool
  /// Images that have it.
  let isOf: @Sendable (ImageShape) -> Bool
  let value: @Sendable (Evidence, Normals) -> Double

  /// Of one image's evidence, without any normal ones.
  package func value(of evidence: Evidence) -> Double { value(evidence, Normals(nil)) }

  init(
    _ name: String, _ help: String, needs: Evidence.Needs = [], odd: Tail = .high,
    inVerdict verdictTail: Tail? = nil, ofPlace isOfPlace: Bool = false,
    of isOf: @escaping @Sendable (ImageShape) -> Bool = { _ in true },
    value: @escaping @Sendable (Evidence, Normals) -> Double
  ) {
    self.name = name
    self.help = help
    self.needs = needs
    self.oddTail = odd
    self.verdictTail = verdictTail
    self.isOfPlace = isOfPlace
    self.isOf = isOf
    self.value = value
  }

  /// Every score beyond the likelihood that one pass of the model tells, in the order of a table's columns.
  public static let all =
    [
      inputComplexity, normalisedSurprise, pitDistance, typicality, losslessLength, levelDistance,
      gaussianInside, gaussianResidual, mirrored, upsideDown, entropy, surprisePeak, levelResidual,
    ] + neighbours + bands + columns + channels + channelPairs

  /// The score of a name that is no score of one image's evidence alone: all those in a verdict, as one
  /// number.
  public static let verdict = "verdict"

  /// Which values of a column of a table are odd, by its name.
  public static func oddTail(of name: String) -> Tail {
    (all + further).first { $0.name == name }?.oddTail ?? .high
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
