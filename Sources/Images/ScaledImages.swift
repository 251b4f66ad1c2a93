import Files
import Randomness

/// Images of any sizes in memory at a working scale, 8 bits a sub-pixel, each beside a miniature of the
/// whole.
public struct ScaledImages: Sendable {
  /// Pixels of a miniature's side.
  public static let miniatureSide = 64

  /// At the working scale.
  public let images: [Image]
  /// Grey miniatures, `miniatureSide` squared bytes each, whatever an image's own proportions.
  public let miniatures: [[UInt8]]
  public let names: [String]
  public let skipped: [FileRemark]
  public let flawed: [FileRemark]
  public let leftOut: [FileRemark]

  public var count: Int { images.count }

  /// Reads all images of a source on all cores.
  /// - Parameters:
  ///   - scale: the working scale, 0 < scale ≤ 1.
  ///   - channels: 1 or 3.
  ///   - progress: called now and then with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `FileError`, also where they do not fit in three quarters of this machine's memory.
  public static func load(
    _ source: ImageSource, scale: Double, channels: Int = 1, strict: Bool = false,
    progress: (_ done: Int) -> Bool = { _ in true }
  ) throws -> ScaledImages? {
    let limit = physicalMemory() / 4 * 3
    let sizes = source.sizes(atMost: 100)
    let mean =
      sizes.reduce(0.0) { $0 + Double($1.width * $1.height) } / Double(max(1, sizes.count))
    let bytes =
      Double(source.count)
      * (mean * scale * scale * Double(channels) + Double(miniatureSide * miniatureSide))
    guard bytes < Double(limit) else {
      throw FileError(
        source.path,
        problem: "\(source.count) images at scale \(scale) need about \(Int(bytes) >> 20) MiB, more"
          + " than three quarters of this machine's memory; ask for a smaller --scale")
    }
    let side = miniatureSide
    let mapped = try source.map(strict: strict, progress: progress) { image in
      (
        image.scaled(by: scale, channels: channels),
        image.fitted(height: side, width: side, channels: 1).pixels
      )
    }
    guard let mapped else { return nil }
    return ScaledImages(
      images: mapped.values.map(\.0), miniatures: mapped.values.map(\.1),
      names: mapped.indices.map { source.names[$0] }, skipped: mapped.skipped,
      flawed: mapped.flawed, leftOut: source.leftOut)
  }

  /// The images at `indices`, in that order. What is said of files goes along.
  public subscript(indices: [Int]) -> ScaledImages {
    ScaledImages(
      images: indices.map { images[$0] }, miniatures: indices.map { miniatures[$0] },
      names: indices.map { names[$0] }, skipped: skipped, flawed: flawed, leftOut: leftOut)
  }

  /// The miniatures as a data set of their own.
  public var miniatureSet: DataSet {
    DataSet(
      height: Self.miniatureSide, width: Self.miniatureSide, channels: 1,
      pixels: miniatures.flatMap { $0 }, names: names)
  }

  /// The same images, with further files that were passed over.
  public func passingOver(_ files: [FileRemark]) -> ScaledImages {
    ScaledImages(
      images: images, miniatures: miniatures, names: names, skipped: skipped + files,
      flawed: flawed, leftOut: leftOut)
  }

  /// The number of each image's group, where copies of one image are a group.
  public var copyGroups: [Int] {
    var first: [UInt64: Int] = [:]
    return fingerprints.enumerated().map { index, fingerprint in
      first[fingerprint] = first[fingerprint] ?? index
      return first[fingerprint]!
    }
  }

  /// How often each intensity occurs.
  public var intensityCounts: [Int] {
    var counts = [Int](repeating: 0, count: 256)
    for image in images { for value in image.pixels { counts[Int(value)] += 1 } }
    return counts
  }

  /// 64 bits of each image by which it is known again.
  public var fingerprints: [UInt64] {
    images.map { image in
      var hash = Fingerprint(start: UInt64(image.pixels.count))
      for side in [image.height, image.width] { hash.fold(UInt64(side)) }
      image.pixels.withUnsafeBytes { hash.fold($0) }
      return hash.bits
    }
  }
}

extension Image {
  /// The image at a scale, at least one pixel high and wide, with the channels asked for.
  public func scaled(by scale: Double, channels: Int) -> Image {
    func side(_ length: Int) -> Int { max(1, Int((Double(length) * scale).rounded())) }
    return fitted(height: side(height), width: side(width), channels: channels)
  }
}
