import Randomness

/// Images as the models see them: each sub-pixel one of `levels` symbols, `[N, H, W, C]`, so that
/// memory order is the autoregressive order (raster order, with R, G, B of a pixel in turn). With the
/// symbols comes all that a model may be told of them: classes, and the order of their pixels.
public struct PixelBatch: Equatable, Sendable {
  public let count: Int
  public let height: Int
  public let width: Int
  public let channels: Int
  /// How many symbols a sub-pixel can take, 2 … 256.
  public let levels: Int
  /// `count * height * width * channels` symbols, each `0 ..< levels`.
  public var symbols: [UInt8]
  /// The class of each image, 0 …; nil where they are not known.
  public let labels: [Int]?
  /// In which order of an image's pixels the symbols stand; height and width are as they stand.
  public let order: Order

  /// Sub-pixels an image: the dimension D of the density.
  public var dimension: Int { height * width * channels }

  public init(
    count: Int, height: Int, width: Int, channels: Int, levels: Int, symbols: [UInt8],
    labels: [Int]? = nil, order: Order = .raster
  ) {
    precondition(
      symbols.count == count * height * width * channels,
      "[\(count), \(height), \(width), \(channels)] needs \(count * height * width * channels)"
        + " symbols, found \(symbols.count)")
    precondition(
      labels.map { $0.count == count } ?? true,
      "\(labels?.count ?? 0) labels of \(count) images")
    precondition((2...256).contains(levels), "levels must be 2 ... 256, found \(levels)")
    self.count = count
    self.height = height
    self.width = width
    self.channels = channels
    self.levels = levels
    self.symbols = symbols
    self.labels = labels
    self.order = order
  }

  /// The same images, told to be of these classes, or of none.
  public func labelled(_ labels: [Int]?) -> PixelBatch {
    PixelBatch(
      count: count, height: height, width: width, channels: channels, levels: levels,
      symbols: symbols, labels: labels, order: order)
  }

  /// Some of the images alone.
  public subscript(images: Range<Int>) -> PixelBatch {
    PixelBatch(
      count: images.count, height: height, width: width, channels: channels, levels: levels,
      symbols: Array(symbols[images.lowerBound * dimension..<images.upperBound * dimension]),
      labels: labels.map { Array($0[images]) }, order: order)
  }

  /// A key of each image from its symbols alone: an image has the same wherever it lies.
  public var contentKeys: [UInt64] {
    symbols.withUnsafeBytes { bytes in
      (0..<count).map { image in
        var hash = Fingerprint(start: UInt64(dimension))
        hash.fold(
          UnsafeRawBufferPointer(rebasing: bytes[image * dimension..<(image + 1) * dimension]))
        return hash.bits
      }
    }
  }
}
