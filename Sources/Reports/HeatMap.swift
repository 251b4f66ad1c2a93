import Detection
import Images

/// What the colours of a heat map stand for: a fixed range, the same for every image and place, so that
/// two heat maps can be compared. What lies outside takes the colour of the nearest end.
public struct HeatScale: Equatable, Sendable {
  /// The value of the darkest colour, and of the lightest.
  public let ends: ClosedRange<Float>
  /// What a value is, for a legend.
  public let unit: String
  /// What surprise is relative to; nil for bits as they are.
  private let normal: NormalSurprise?

  init(ends: ClosedRange<Float>, unit: String, normal: NormalSurprise? = nil) {
    self.ends = ends
    self.unit = unit
    self.normal = normal
  }

  /// Bits a pixel, 8 for each channel: 0 … 8 bits a grey pixel, 0 … 24 bits an RGB pixel, which is
  /// what a pixel costs where nothing is known of it.
  public static func bits(channels: Int) -> HeatScale {
    HeatScale(ends: 0...8 * Float(channels), unit: "surprise, bits a pixel", normal: nil)
  }

  /// Surprise beyond that of normal images at the same place, in its standard deviations there: −2 …
  /// 6. Noise that every normal image has is as dark as what no normal image varies in.
  public static func excess(over normal: NormalSurprise) -> HeatScale {
    HeatScale(
      ends: -2...6,
      unit: "surprise beyond that of normal images at the same place, in standard deviations",
      normal: normal)
  }

  /// The scale that a calibration allows: `excess` where it knows normal surprise, else `bits`.
  public static func best(for calibration: Calibration?, channels: Int) -> HeatScale {
    calibration?.surprise.map(excess) ?? .bits(channels: channels)
  }

  /// Mean surprise of 9×9 pixels, bits a pixel: 0 … twice what one held-out image in a hundred exceeds
  /// anywhere, the same for every image.
  public static func boxes(of calibration: ExpertsCalibration) -> HeatScale {
    HeatScale(
      ends: 0...max(Float(2 * calibration.mapThreshold(0.99)), 1e-3),
      unit: "mean surprise of 9×9 pixels, bits a pixel; the middle is the most of 99 in 100 normal"
        + " images")
  }

  /// A map's values on the scale.
  func values(of map: SurpriseMap) -> [Float] { normal?.excess(of: map) ?? map.bits }
}

/// A surprise map in colour, one of 256 steps of `ColourMap` a pixel.
public struct HeatMap: Equatable, Sendable {
  public let width: Int
  public let height: Int
  /// 0 at the lower end of the scale … 255 at the upper, row by row. What is not a number is on top.
  public let steps: [UInt8]

  public init(_ map: SurpriseMap, scale: HeatScale) {
    let (low, high) = (scale.ends.lowerBound, scale.ends.upperBound)
    self.init(
      width: map.width, height: map.height,
      steps: scale.values(of: map).map { value in
        let share = (value - low) / (high - low)
        return share.isNaN ? 255 : UInt8((min(max(share, 0), 1) * 255).rounded())
      })
  }

  /// A map of numbers a pixel on a scale.
  public init(_ map: PixelMap, scale: HeatScale) {
    self.init(SurpriseMap(bits: map.values, width: map.width, height: map.height), scale: scale)
  }

  init(width: Int, height: Int, steps: [UInt8]) {
    precondition(steps.count == width * height, "a heat map has a step a pixel")
    self.width = width
    self.height = height
    self.steps = steps
  }

  /// The map as an RGB image of its size.
  public var image: Image {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * steps.count)
    for step in steps {
      let colour = ColourMap.table[Int(step)]
      pixels.append(colour.red)
      pixels.append(colour.green)
      pixels.append(colour.blue)
    }
    return Image(height: height, width: width, channels: 3, pixels: pixels)
  }
}

/// An image as the model saw it, and beside it, after a thin gap, its heat map; small images are
/// enlarged by a whole factor to at least 112 pixels on their longer side.
public func sideBySide(_ image: Image, _ heat: HeatMap) -> Image {
  precondition(
    image.width == heat.width && image.height == heat.height,
    "the map must be \(image.width)x\(image.height), found \(heat.width)x\(heat.height)")
  let factor = enlargement(width: image.width, height: image.height, atLeast: 112)
  let gap = 4
  let panel = image.width * factor
  var canvas = Canvas(width: 2 * panel + gap, height: image.height * factor, fill: .background)
  canvas.draw(image, x: 0, y: 0, factor: factor)
  canvas.draw(heat.image, x: panel + gap, y: 0, factor: factor)
  return canvas.image
}

/// The least whole factor that brings the longer side to `atLeast` pixels.
func enlargement(width: Int, height: Int, atLeast side: Int) -> Int {
  (side + max(width, height) - 1) / max(width, height)
}
