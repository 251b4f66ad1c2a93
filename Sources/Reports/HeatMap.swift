import Detection
import Images

/// What the colours of a heat map stand for: a fixed range, the same for every image and place, so that
/// two heat maps can be compared. What lies outside takes the colour of the nearest end.
public struct HeatScale: Equatable, Sendable {
  /// The value of the darkest colour, and of the lightest.
  public let ends: ClosedRange<Float>
  /// What a value is, for a legend.
  public let unit: String
  /// The value above which a place stands out from normal images, where that is known.
  public let threshold: Float?
  /// What surprise is relative to; nil for bits as they are.
  private let normal: NormalSurprise?

  init(
    ends: ClosedRange<Float>, unit: String, threshold: Float? = nil, normal: NormalSurprise? = nil
  ) {
    self.ends = ends
    self.unit = unit
    self.threshold = threshold
    self.normal = normal
  }

  /// The least step of a map that is above the threshold; nil where there is none.
  var outline: Int? { threshold.map { Int(step(of: $0)) + 1 } }

  /// 0 at the lower end … 255 at the upper. What is not a number is on top.
  func step(of value: Float) -> UInt8 {
    let share = (value - ends.lowerBound) / (ends.upperBound - ends.lowerBound)
    return share.isNaN ? 255 : UInt8((min(max(share, 0), 1) * 255).rounded())
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
    let threshold = max(Float(calibration.mapThreshold(0.99)), 5e-4)
    return HeatScale(
      ends: 0...2 * threshold,
      unit: "mean surprise of 9×9 pixels, bits a pixel; the middle is the most of 99 in 100 normal"
        + " images", threshold: threshold)
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
    self.init(
      height: map.height, width: map.width, steps: scale.values(of: map).map(scale.step))
  }

  /// A map of numbers a pixel on a scale.
  public init(_ map: PixelMap, scale: HeatScale) {
    self.init(SurpriseMap(bits: map.values, height: map.height, width: map.width), scale: scale)
  }

  init(height: Int, width: Int, steps: [UInt8]) {
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
