import Images

/// What both experts say of one image of any size.
public struct LargeEvidence: Sendable {
  /// Bits of the image at the working scale, and its pixels there.
  public let bits: Double
  public let pixels: Int
  /// The largest mean surprise of 9×9 pixels, and of entropy, bits a pixel, away from the border.
  public let surprisePeak: Double
  public let entropyPeak: Double
  /// And of surprise less entropy: beyond what the model expects there.
  public let excessPeak: Double
  /// The first by every density of the global expert.
  public let global: [GlobalExpert.Statistics]
  /// Mean surprise of 9×9 pixels, bits a pixel, at its boxes' middles, and where its top left lies in
  /// the image at the working scale.
  let means: PixelMap
  let left: Int
  let top: Int
  /// The sides of the image as it came, and at the working scale.
  let size: (width: Int, height: Int)
  let working: (width: Int, height: Int)

  /// Pixels of a box's side.
  static let box = 9

  init(_ image: Image, _ local: LocalExpert, _ global: [GlobalExpert], scale: Double) {
    let small = image.scaled(by: scale, channels: local.channels)
    let side = ScaledImages.miniatureSide
    self.init(
      local.maps(of: small), reach: local.reach, size: (image.width, image.height),
      global: global.isEmpty
        ? []
        : {
          let miniature = image.converted(toChannels: 1).resized(height: side, width: side)
          return global.map { $0.statistics(of: miniature.pixels) }
        }())
  }

  /// Zero padding is known of no normal image: within the reach of the border surprise tells of it.
  package init(
    _ maps: LocalMaps, reach: Int, size: (width: Int, height: Int),
    global: [GlobalExpert.Statistics]
  ) {
    let surprise = maps.surprise.inner(border: reach)
    means = surprise.map.boxMeans(Self.box)
    left = surprise.left + min(Self.box, surprise.map.width) / 2
    top = surprise.top + min(Self.box, surprise.map.height) / 2
    surprisePeak = Double(means.maximum.value)
    let entropy = maps.entropy.inner(border: reach).map
    entropyPeak = Double(entropy.boxMeans(Self.box).maximum.value)
    excessPeak = Double(
      PixelMap(
        height: surprise.map.height, width: surprise.map.width,
        values: zip(surprise.map.values, entropy.values).map { $0 - $1 }
      ).boxMeans(Self.box).maximum.value)
    bits = maps.bits
    pixels = maps.surprise.values.count
    self.size = size
    working = (maps.surprise.width, maps.surprise.height)
    self.global = global
  }

  /// Mean surprise of the boxes around each pixel, bits a pixel, at the image's own size, each the
  /// largest within the reach: what a person looks at and what is compared with outlines.
  public func map(reach: Int) -> PixelMap {
    means.maxima(reach: reach).placed(in: working.width, working.height, left: left, top: top)
      .enlarged(width: size.width, height: size.height)
  }

  /// The boxes whose means are above a threshold, bits a pixel, as far as they hang together, in pixels of
  /// the image.
  public func regions(above threshold: Double) -> [Region] {
    Region.ofBoxes(means, side: Self.box, left: left, top: top, above: threshold)
      .map { $0.enlarged(from: working, to: size) }
  }

  /// Where the largest mean stands, in pixels of the image.
  public var peak: (x: Int, y: Int) {
    let place = means.maximum
    func enlarged(_ at: Int, _ small: Int, _ large: Int) -> Int {
      min(large - 1, Int((Double(at) + 0.5) * Double(large) / Double(small)))
    }
    return (
      enlarged(place.x + left, working.width, size.width),
      enlarged(place.y + top, working.height, size.height)
    )
  }
}
