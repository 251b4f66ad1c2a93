import Foundation

/// Where an image surprises a model: bits a pixel, `[height, width]`, s_i = −log₂ p(x_i | x_<i)
/// summed over the channels of the pixel.
///
/// The sum over the map is the image's code length in bits. A pixel that the model holds impossible
/// has infinitely many.
public struct SurpriseMap: Equatable, Sendable {
  public let width: Int
  public let height: Int
  /// `height * width` values in bits, row by row from the top left.
  public let bits: [Float]

  /// From bits a pixel, `[height, width]`.
  public init(bits: [Float], width: Int, height: Int) {
    precondition(
      bits.count == height * width,
      "[\(height), \(width)] needs \(height * width) values, found \(bits.count)")
    self.width = width
    self.height = height
    self.bits = bits
  }

  /// From what a model says of each sub-pixel: log p(x_i | x_<i) in nats, `[height, width, channels]`.
  public init(logProbabilities: [Float], height: Int, width: Int, channels: Int) {
    precondition(
      logProbabilities.count == height * width * channels,
      "[\(height), \(width), \(channels)] needs \(height * width * channels) values,"
        + " found \(logProbabilities.count)")
    self.width = width
    self.height = height
    bits = (0..<height * width).map { pixel in
      let nats = (pixel * channels..<(pixel + 1) * channels).reduce(0.0) {
        $0 - Double(logProbabilities[$1])
      }
      return Float(nats / M_LN2)
    }
  }

  /// The code length of the whole image, in bits.
  public var totalBits: Double { bits.reduce(0) { $0 + Double($1) } }
}
