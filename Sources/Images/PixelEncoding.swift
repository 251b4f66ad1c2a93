import Randomness

/// How 8-bit intensities become the symbols that a density is over, and back.
///
/// As text, and in JSON: `threshold`, `stochastic`, `levels-16`.
public enum PixelEncoding: Hashable, Codable, Sendable {
  /// 1 from an intensity of 128 up, else 0.
  case threshold
  /// 1 with probability v / 255 for an intensity v, drawn anew in each epoch ("dynamic"
  /// binarization). Black and white are certain.
  case stochastic
  /// ⌊v K / 256⌋ for K levels, 2 … 256; 256 leaves the intensities as they are.
  case levels(Int)

  /// The epoch whose stochastic draws all evaluation uses. Training counts from 0.
  public static let evaluationEpoch = -1

  /// How many symbols a sub-pixel can take.
  public var levels: Int {
    if case .levels(let count) = self { count } else { 2 }
  }

  /// The images of `data` at `indices`, `[N, H, W, C]` symbols.
  ///
  /// Stochastic draws do not depend on the batch that the image is in. In training they are keyed by
  /// seed, epoch and the image's index in `data`; for evaluation by seed and the image's own
  /// intensities, so that an image has one likelihood, wherever in a folder it lies.
  public func batch(
    of data: DataSet, indices: some Collection<Int>, epoch: Int = evaluationEpoch, seed: UInt64
  ) -> PixelBatch {
    let dimension = data.dimension
    let table = self.table
    let symbols = [UInt8](unsafeUninitializedCapacity: indices.count * dimension) { output, count in
      data.pixels.withUnsafeBufferPointer { pixels in
        for index in indices {
          let image = index * dimension..<(index + 1) * dimension
          precondition(image.lowerBound >= 0 && image.upperBound <= pixels.count)
          if self == .stochastic {
            let key = epoch == Self.evaluationEpoch ? fingerprint(of: pixels[image]) : index
            var bytes = RandomBytes(RandomStream(seed: seed, "binarize", epoch, key))
            for pixel in image {
              output[count] = bytes.nextBelow255() < pixels[pixel] ? 1 : 0
              count += 1
            }
          } else {
            for pixel in image {
              output[count] = table[Int(pixels[pixel])]
              count += 1
            }
          }
        }
      }
    }
    return PixelBatch(
      count: indices.count, height: data.height, width: data.width, channels: data.channels,
      levels: levels, symbols: symbols)
  }

  /// Image `index` of `batch` to look at: symbol s of K becomes the intensity 255 s / (K − 1),
  /// rounded, so that the first is black and the last white.
  public func image(from batch: PixelBatch, at index: Int) -> Image {
    let dimension = batch.dimension
    let top = batch.levels - 1
    let intensities = (0...top).map { UInt8(($0 * 255 + top / 2) / top) }
    return Image(
      height: batch.height, width: batch.width, channels: batch.channels,
      pixels: batch.symbols[index * dimension..<(index + 1) * dimension].map {
        intensities[Int($0)]
      })
  }

  /// The symbol of each intensity.
  private var table: [UInt8] {
    precondition((2...256).contains(levels), "levels must be 2 ... 256, found \(levels)")
    return (0..<256).map { UInt8($0 * levels / 256) }
  }
}

/// What tells images of one size apart, as a key of their draws.
private func fingerprint(of image: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
  var hash = Fingerprint(start: UInt64(image.count))
  hash.fold(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: image)))
  return Int(truncatingIfNeeded: hash.bits)
}

/// Random bytes, eight from each draw of a stream.
private struct RandomBytes {
  private var stream: RandomStream
  private var word: UInt64 = 0
  private var left = 0

  init(_ stream: RandomStream) { self.stream = stream }

  /// Uniform on 0 ..< 255, by rejection: below an intensity v with probability v / 255 exactly.
  mutating func nextBelow255() -> UInt8 {
    while true {
      if left == 0 {
        word = stream.next()
        left = 8
      }
      let byte = UInt8(truncatingIfNeeded: word)
      word >>= 8
      left -= 1
      if byte < 255 { return byte }
    }
  }
}

extension PixelEncoding: RawRepresentable, CustomStringConvertible {
  public init?(rawValue: String) {
    switch rawValue {
    case "threshold": self = .threshold
    case "stochastic": self = .stochastic
    default:
      guard rawValue.hasPrefix("levels-"), let count = Int(rawValue.dropFirst(7)),
        (2...256).contains(count)
      else { return nil }
      self = .levels(count)
    }
  }

  public var rawValue: String {
    switch self {
    case .threshold: "threshold"
    case .stochastic: "stochastic"
    case .levels(let count): "levels-\(count)"
    }
  }

  public var description: String { rawValue }
}
