import Heads
import Images

/// A number that says how odd an image is, beyond its likelihood; higher is odder.
public struct Score: Sendable {
  /// Its name in tables and files.
  public let name: String
  /// One line for people.
  public let help: String
  /// Whether it compares with held-out normal images.
  public let needsCalibration: Bool
  let value: @Sendable (Evidence, Calibration?) throws -> Double

  init(
    _ name: String, _ help: String, needsCalibration: Bool = false,
    value: @escaping @Sendable (Evidence, Calibration?) throws -> Double
  ) {
    self.name = name
    self.help = help
    self.needsCalibration = needsCalibration
    self.value = value
  }

  /// Every score.
  public static let all = [inputComplexity, normalisedSurprise, typicality]
}

/// What a score is computed from: one image and all that the model says of it.
public struct Evidence {
  /// As the model sees it.
  public let image: Image
  /// log p(x_i | x_<i) of each sub-pixel, nats, `[H, W, C]`.
  public let logProbabilities: [Double]
  let conditionals: any PixelDistribution
  let place: Int

  /// −log p(x), nats.
  public var nats: Double { -logProbabilities.reduce(0, +) }

  /// The probability of each level of a sub-pixel, given those before it.
  public func probabilities(_ subpixel: Int) -> [Double] {
    conditionals.probabilities(image: place, subpixel: subpixel)
  }

  /// Where the image surprises the model.
  public var surprise: SurpriseMap {
    SurpriseMap(
      logProbabilities: logProbabilities.map(Float.init), height: image.height,
      width: image.width, channels: image.channels)
  }
}
