import Images

/// Where the batches of a training come from: images of one size, or crops of images of any.
public protocol TrainingImages: Sendable {
  /// Images, or crops, an epoch.
  var count: Int { get }
  /// Bytes that they take in memory.
  var byteCount: Int { get }
  /// Of the images' intensities, sizes and order, as 16 hexadecimal digits.
  var contentHash: String { get }
  /// By which each whole image is known again.
  var fingerprints: [UInt64] { get }
  /// How many of the images each class has, by its name; nil without labels.
  var imagesByClass: [String: Int]? { get }

  /// Symbols `[N, H, W, C]` of images of an epoch, by their indices below `count`.
  func batch(_ indices: [Int], as pixels: PixelEncoding, epoch: Int, seed: UInt64) -> PixelBatch
}

extension DataSet: TrainingImages {
  public var byteCount: Int { pixels.count }

  public func batch(
    _ indices: [Int], as pixels: PixelEncoding, epoch: Int, seed: UInt64
  ) -> PixelBatch {
    pixels.batch(of: self, indices: indices, epoch: epoch, seed: seed)
  }
}

extension Crops: TrainingImages {
  public var byteCount: Int { images.images.reduce(0) { $0 + $1.pixels.count } }
  public var fingerprints: [UInt64] { images.fingerprints }
  public var imagesByClass: [String: Int]? { nil }

  public var contentHash: String {
    hexadecimal([UInt64(count), UInt64(width), UInt64(height), flips ? 1 : 0] + fingerprints)
  }

  public func batch(
    _ indices: [Int], as pixels: PixelEncoding, epoch: Int, seed: UInt64
  ) -> PixelBatch {
    let crops = dataSet(indices, epoch: epoch, seed: seed)
    return pixels.batch(of: crops, indices: 0..<crops.count, epoch: epoch, seed: seed)
  }
}

/// How crops are taken of images, and at which scale of them.
public struct CropOptions: Codable, Equatable, Sendable {
  public var width: Int
  public var height: Int
  /// Of the images' own size, 0 < scale ≤ 1.
  public var scale: Double
  /// Whether crops are mirrored and turned upside down at random.
  public var flips: Bool

  public init(width: Int, height: Int, scale: Double, flips: Bool) {
    self.width = width
    self.height = height
    self.scale = scale
    self.flips = flips
  }
}
