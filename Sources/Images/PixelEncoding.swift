import Glibc
import Randomness

/// How 8-bit intensities become the symbols that a density is over, and back.
///
/// As text, and in JSON: `threshold`, `stochastic`, `levels-16`, `log-16-3-251`.
public enum PixelEncoding: Hashable, Codable, Sendable {
  /// 1 from an intensity of 128 up, else 0.
  case threshold
  /// 1 with probability v / 255 for an intensity v, drawn anew in each epoch ("dynamic"
  /// binarization). Black and white are certain.
  case stochastic
  /// ⌊v K / 256⌋ for K levels, 2 … 256; 256 leaves the intensities as they are.
  case levels(Int)
  /// K levels, evenly spaced in ln(v + 8) from the intensity `low`, and below it, to `high`, and above
  /// it: an exposure moves what it multiplies by one step all over, and dark parts get their share.
  case logLevels(Int, low: UInt8, high: UInt8)

  /// The epoch whose stochastic draws all evaluation uses. Training counts from 0.
  public static let evaluationEpoch = -1

  /// How many symbols a sub-pixel can take.
  public var levels: Int {
    switch self {
    case .threshold, .stochastic: 2
    case .levels(let count), .logLevels(let count, _, _): count
    }
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
      levels: levels, symbols: symbols,
      labels: data.labels.map { labels in indices.map { labels[$0] } })
  }

  /// Image `index` of `batch` to look at: symbol s of K becomes the intensity 255 s / (K − 1),
  /// rounded, so that the first is black and the last white; a level of the logarithm the intensity
  /// that it stands for.
  public func image(from batch: PixelBatch, at index: Int) -> Image {
    let dimension = batch.dimension
    let intensities = self.intensities
    return Image(
      height: batch.height, width: batch.width, channels: batch.channels,
      pixels: batch.symbols[index * dimension..<(index + 1) * dimension].map {
        intensities[Int($0)]
      })
  }

  /// The symbol of each intensity.
  private var table: [UInt8] {
    precondition((2...256).contains(levels), "levels must be 2 ... 256, found \(levels)")
    guard case .logLevels(let count, let low, let high) = self else {
      return (0..<256).map { UInt8($0 * levels / 256) }
    }
    let (first, last) = (Self.logarithm(low), Self.logarithm(high))
    return (0...UInt8.max).map { intensity in
      let share = (Self.logarithm(intensity) - first) / max(last - first, 1e-6)
      return UInt8((min(max(share, 0), 1) * Double(count - 1)).rounded())
    }
  }

  /// The intensity that each symbol is shown as.
  private var intensities: [UInt8] {
    let top = levels - 1
    guard case .logLevels(_, let low, let high) = self else {
      return (0...top).map { UInt8(($0 * 255 + top / 2) / top) }
    }
    let (first, last) = (Self.logarithm(low), Self.logarithm(high))
    return (0...top).map { symbol in
      let value = exp(first + (last - first) * Double(symbol) / Double(top)) - 8
      return UInt8(min(max(value, 0), 255).rounded())
    }
  }

  /// ln(v + 8): below 8, noise would fill the dark levels.
  private static func logarithm(_ intensity: UInt8) -> Double { log(Double(intensity) + 8) }

  /// K levels of the logarithm between the 0.1 % and the 99.9 % quantiles of intensities that occur so
  /// often.
  /// - Parameter counts: of each of 256 intensities.
  public static func logLevels(_ levels: Int, spanning counts: [Int]) -> PixelEncoding {
    precondition(counts.count == 256, "there are 256 intensities, found \(counts.count)")
    let total = counts.reduce(0, +)
    func quantile(_ share: Double) -> UInt8 {
      var sum = 0
      for (intensity, count) in counts.enumerated() {
        sum += count
        if Double(sum) >= share * Double(total), sum > 0 { return UInt8(intensity) }
      }
      return 255
    }
    let (low, high) = (quantile(0.001), quantile(0.999))
    // One intensity alone has no span.
    return low < high
      ? .logLevels(levels, low: low, high: high) : .logLevels(levels, low: 0, high: 255)
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
    case _ where rawValue.hasPrefix("log-"):
      let numbers = rawValue.dropFirst(4).split(separator: "-", omittingEmptySubsequences: false)
        .map { Int($0) }
      guard numbers.count == 3, let count = numbers[0], (2...256).contains(count),
        let low = numbers[1].flatMap(UInt8.init(exactly:)),
        let high = numbers[2].flatMap(UInt8.init(exactly:)), low < high
      else { return nil }
      self = .logLevels(count, low: low, high: high)
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
    case .logLevels(let count, let low, let high): "log-\(count)-\(low)-\(high)"
    }
  }

  public var description: String { rawValue }
}
