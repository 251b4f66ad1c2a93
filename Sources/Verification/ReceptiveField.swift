import Heads
import Images
import Models
import Randomness
import Tensors

/// What the middle pixel of an image sees of those before it, by the gradient of its log-probability in
/// each of them.
public struct ReceptiveField: Sendable {
  public let image: ImageShape
  /// The sub-pixel whose view it is: the last channel of the middle pixel.
  public let subpixel: Int
  /// Root mean square of the gradient of log p in each intensity of 0 … 1, `[H, W, C]`; 0 is not seen.
  public let strength: [Double]

  /// Pixels before the middle one, and those of them that it sees.
  public var earlier: Int { subpixel / image.channels }
  public var seen: Int { (0..<earlier).count { pixel($0) > 0 } }
  /// Sub-pixels at and after its own that it must not see, and does.
  public var leaks: Int { strength[subpixel...].count { $0 > 0 } }

  private func pixel(_ pixel: Int) -> Double {
    strength[pixel * image.channels..<(pixel + 1) * image.channels].max()!
  }

  /// A picture: seen pixels in blue, the darker the more they count; those before the middle one that it
  /// does not see, its blind spot, in orange; later ones in grey; the middle one in black.
  public var picture: Image {
    let scale = max(1, 448 / max(image.height, image.width))
    let most = strength.max() ?? 0
    var pixels: [UInt8] = []
    pixels.reserveCapacity(image.height * image.width * scale * scale * 3)
    for y in 0..<image.height * scale {
      for x in 0..<image.width * scale {
        let place = y / scale * image.width + x / scale
        // A line of white between pixels that are large enough.
        let isEdge = scale >= 8 && (y % scale == 0 || x % scale == 0)
        pixels += isEdge ? [255, 255, 255] : colour(place, most)
      }
    }
    return Image(
      height: image.height * scale, width: image.width * scale, channels: 3, pixels: pixels)
  }

  private func colour(_ place: Int, _ most: Double) -> [UInt8] {
    if place == earlier { return [0, 0, 0] }
    let strength = pixel(place)
    if place > earlier { return strength > 0 ? [215, 25, 28] : [224, 224, 224] }
    if strength == 0 { return [253, 174, 97] }
    // By the fourth root: what is seen faintly is seen.
    let share = (strength / most).squareRoot().squareRoot()
    let shades: [(light: Double, dark: Double)] = [(198, 8), (219, 48), (239, 107)]
    return shades.map { UInt8($0.light + ($0.dark - $0.light) * share) }
  }
}

extension Verification {
  /// What the middle pixel sees, in some images of noise: gradients in single precision.
  public func receptiveField(images count: Int = 4) -> ReceptiveField {
    let image = model.image
    let d = image.dimension
    let middle = image.height / 2 * image.width + image.width / 2
    let subpixel = (middle + 1) * image.channels - 1
    var random = RandomStream(seed: seed, "verify/receptive field")
    let own = (0..<d).map { $0 == subpixel ? 1.0 : 0 }
    let prepared = PreparedWeights()
    var squares = [Double](repeating: 0, count: d)
    for _ in 0..<count {
      let noise = batch((0..<d).map { _ in UInt8(random.integer(below: model.head.levels)) })
      let gradient = gradient(of: noise, weighing: own, prepared)
      for (i, value) in (gradient ?? []).enumerated() { squares[i] += value * value }
    }
    return ReceptiveField(
      image: image, subpixel: subpixel,
      strength: squares.map { ($0 / Double(count)).squareRoot() })
  }
}
