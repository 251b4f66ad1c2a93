import Detection
import Images

/// Bits of surprise a pixel, shown as colour: from 0 to a fixed top, the same for every image, so
/// that two heat maps can be compared. What lies above the top takes its colour.
public struct HeatScale: Equatable, Sendable {
  /// The surprise, in bits a pixel, from which the colour no longer changes.
  public let topBits: Float

  public init(topBits: Float) {
    precondition(topBits > 0, "a heat scale needs a positive top, found \(topBits)")
    self.topBits = topBits
  }

  /// 8 bits for each channel: 0 … 8 bits a grey pixel, 0 … 24 bits an RGB pixel, which is what a
  /// pixel costs where nothing is known of it.
  public static func standard(channels: Int) -> HeatScale {
    HeatScale(topBits: 8 * Float(channels))
  }
}

/// A surprise map as an RGB image of the same size, in the colours of `ColourMap`.
public func heatMap(_ map: SurpriseMap, scale: HeatScale) -> Image {
  var pixels: [UInt8] = []
  pixels.reserveCapacity(3 * map.bits.count)
  for bits in map.bits {
    let colour = ColourMap[bits / scale.topBits]
    pixels += [colour.red, colour.green, colour.blue]
  }
  return Image(height: map.height, width: map.width, channels: 3, pixels: pixels)
}

/// An image as the model saw it, and beside it, after a thin gap, its heat map; small images are
/// enlarged by a whole factor to at least 112 pixels on their longer side.
public func sideBySide(_ image: Image, _ map: SurpriseMap, scale: HeatScale) -> Image {
  precondition(
    image.width == map.width && image.height == map.height,
    "the map must be \(image.width)x\(image.height), found \(map.width)x\(map.height)")
  let factor = enlargement(width: image.width, height: image.height, atLeast: 112)
  let gap = 4
  let panel = image.width * factor
  var canvas = Canvas(width: 2 * panel + gap, height: image.height * factor, fill: .background)
  canvas.draw(image, x: 0, y: 0, factor: factor)
  canvas.draw(heatMap(map, scale: scale), x: panel + gap, y: 0, factor: factor)
  return canvas.image
}

/// The least whole factor that brings the longer side to `atLeast` pixels.
func enlargement(width: Int, height: Int, atLeast side: Int) -> Int {
  (side + max(width, height) - 1) / max(width, height)
}
