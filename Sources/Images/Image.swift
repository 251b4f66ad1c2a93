/// One decoded image: 8 bits a sub-pixel, `[height, width, channels]`, row by row from the top left,
/// grey (one channel) or RGB (three).
public struct Image: Equatable, Sendable {
  public let height: Int
  public let width: Int
  /// 1 (grey) or 3 (R, G, B).
  public let channels: Int
  /// `height * width * channels` intensities, 0 (black) … 255 (white).
  public var pixels: [UInt8]

  public init(height: Int, width: Int, channels: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && (channels == 1 || channels == 3),
      "an image needs positive sides and 1 or 3 channels, found \(width)x\(height)x\(channels)")
    precondition(
      pixels.count == width * height * channels,
      "\(width)x\(height)x\(channels) needs \(width * height * channels) values, found \(pixels.count)"
    )
    self.height = height
    self.width = width
    self.channels = channels
    self.pixels = pixels
  }
}
