import Heads

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
  let value: @Sendable (Evidence, Normals) -> Double

  init(
    _ name: String, _ help: String, needs: Evidence.Needs = [], odd: Tail = .high,
    value: @escaping @Sendable (Evidence, Normals) -> Double
  ) {
    self.name = name
    self.help = help
    self.needs = needs
    self.oddTail = odd
    self.value = value
  }

  /// Every score, in the order of a table's columns.
  public static let all = [inputComplexity, normalisedSurprise, pitDistance, typicality]
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
