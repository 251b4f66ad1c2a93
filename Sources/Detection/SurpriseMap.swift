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
  public init(bits: [Float], height: Int, width: Int) {
    precondition(
      bits.count == height * width,
      "[\(height), \(width)] needs \(height * width) values, found \(bits.count)")
    self.width = width
    self.height = height
    self.bits = bits
  }

  /// From bits a sub-pixel, `[height, width, channels]`.
  public init(
    subpixelBits: some RandomAccessCollection<Float>, height: Int, width: Int, channels: Int
  ) {
    precondition(
      subpixelBits.count == height * width * channels,
      "[\(height), \(width), \(channels)] needs \(height * width * channels) values,"
        + " found \(subpixelBits.count)")
    var rest = subpixelBits.makeIterator()
    self.init(
      bits: (0..<height * width).map { _ in
        (0..<channels).reduce(0) { sum, _ in sum + rest.next()! }
      }, height: height, width: width)
  }
}
