/// Which sub-pixels of an image are not seen.
public struct Hole: Equatable, Sendable {
  /// Of each sub-pixel in raster order; the channels of a pixel go together.
  public let isHidden: [Bool]
  /// Sub-pixels a pixel.
  public let channels: Int

  /// - Parameter pixels: of each pixel in raster order.
  public init(pixels: [Bool], channels: Int) {
    precondition(!pixels.isEmpty && channels > 0, "an image has pixels")
    isHidden = pixels.flatMap { Array(repeating: $0, count: channels) }
    self.channels = channels
  }

  /// All below the first rows.
  public init(belowRows rows: Int, height: Int, width: Int, channels: Int) {
    self.init(pixels: (0..<height * width).map { $0 / width >= rows }, channels: channels)
  }

  /// The first hidden sub-pixel; nil where all are seen.
  public var first: Int? { isHidden.firstIndex(of: true) }

  /// One past the last sub-pixel that is seen.
  public var end: Int { (isHidden.lastIndex(of: false) ?? -1) + 1 }

  /// Whether all that is seen comes before all that is hidden: then the density's own conditionals are
  /// those given what is seen.
  public var isLast: Bool { first.map { $0 >= end } ?? true }

  /// What is seen, then what is hidden, each in raster order.
  var seenFirst: [Int] {
    isHidden.indices.filter { !isHidden[$0] } + isHidden.indices.filter { isHidden[$0] }
  }

  /// The same hole of an image whose sub-pixels stand in another order.
  func told(in order: [Int]) -> Hole {
    Hole(subpixels: order.map { isHidden[$0] }, channels: channels)
  }

  private init(subpixels: [Bool], channels: Int) {
    (isHidden, self.channels) = (subpixels, channels)
  }
}
