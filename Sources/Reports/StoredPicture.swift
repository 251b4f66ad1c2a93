import Files
import Images

/// An image and its heat map as bytes: small ones as they are, larger ones as PNG files.
struct StoredPicture: Equatable {
  let image: [UInt8]
  let heat: [UInt8]

  init(image: Image, heat: HeatMap) {
    self.image = Self.bytes(of: image)
    self.heat = Self.bytes(
      of: Image(height: heat.height, width: heat.width, channels: 1, pixels: heat.steps))
  }

  init(image: [UInt8], heat: [UInt8]) { (self.image, self.heat) = (image, heat) }

  /// Throws a `FileError` for other bytes than those of a picture.
  func opened() throws -> (image: Image, heat: HeatMap) {
    let (image, heat) = (try Self.image(of: image), try Self.image(of: heat))
    return (image, HeatMap(height: heat.height, width: heat.width, steps: heat.pixels))
  }

  private static func bytes(of image: Image) -> [UInt8] {
    guard max(image.width, image.height) <= OddestPictures.smallSide else {
      return image.encodedPNG(.quick)
    }
    return [UInt8(image.width), UInt8(image.height), UInt8(image.channels)] + image.pixels
  }

  /// No PNG file begins with sides of at most 64.
  private static func image(of bytes: [UInt8]) throws -> Image {
    guard let first = bytes.first, first <= OddestPictures.smallSide, bytes.count >= 3 else {
      return try Image.decode(bytes, name: "a picture in a journal")
    }
    return Image(
      height: Int(bytes[1]), width: Int(first), channels: Int(bytes[2]),
      pixels: Array(bytes[3...]))
  }
}
