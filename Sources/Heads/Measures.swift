import Foundation
import Images
import Tensors

/// What conditionals say of the symbols that were found, a number a sub-pixel, `[N, H, W, C]`; what was
/// not asked for is empty. The surprise of a sub-pixel is s = −log₂ p(x_i | x_<i).
public struct Measures: Sendable {
  /// What is asked for beside the surprise.
  public struct Kinds: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// `entropy` and `variance`.
    public static let moments = Kinds(rawValue: 1)
    /// `pit`.
    public static let pit = Kinds(rawValue: 2)
    /// `levelError` and `levelVariance`.
    public static let levels = Kinds(rawValue: 4)
  }

  /// s, bits.
  public private(set) var surprise: [Float]
  /// The mean of s under the conditional, bits.
  public private(set) var entropy: [Float]
  /// And its variance, bits².
  public private(set) var variance: [Float]
  /// F(x − 1) + U p(x), uniform on 0 … 1 where the conditional is right. U is keyed by the image's
  /// content.
  public private(set) var pit: [Float]
  /// The conditional's mean level less the level found, levels.
  public private(set) var levelError: [Float]
  /// And the variance of the level, levels².
  public private(set) var levelVariance: [Float]

  public init(
    surprise: [Float], entropy: [Float] = [], variance: [Float] = [], pit: [Float] = [],
    levelError: [Float] = [], levelVariance: [Float] = []
  ) {
    self.surprise = surprise
    (self.entropy, self.variance) = (entropy, variance)
    self.pit = pit
    (self.levelError, self.levelVariance) = (levelError, levelVariance)
  }

  /// The definitions, in double precision, one sub-pixel after the other.
  /// - Parameter logProbabilities: those of the symbols, nats, where they are known more exactly than by the
  ///   probabilities.
  init(
    of batch: PixelBatch, byProbabilitiesOf conditionals: some PixelDistribution,
    logProbabilities: [Double]? = nil, _ kinds: Kinds
  ) {
    func room(_ wanted: Bool = true) -> [Float] {
      wanted ? [Float](repeating: 0, count: batch.symbols.count) : []
    }
    let (moments, levels) = (kinds.contains(.moments), kinds.contains(.levels))
    self.init(
      surprise: room(), entropy: room(moments), variance: room(moments),
      pit: room(kinds.contains(.pit)), levelError: room(levels), levelVariance: room(levels))
    let keys = pit.isEmpty ? [] : batch.contentKeys
    for index in batch.symbols.indices {
      let (image, subpixel) = index.quotientAndRemainder(dividingBy: batch.dimension)
      if let logProbabilities {
        surprise[index] = Float(-logProbabilities[index] / log(2))
        if kinds.isEmpty { continue }
      }
      let probabilities = conditionals.probabilities(
        image: image, subpixel: subpixel,
        given: batch.symbols[index - subpixel % batch.channels..<index])
      let symbol = Int(batch.symbols[index])
      if logProbabilities == nil { surprise[index] = Float(-log2(probabilities[symbol])) }
      if moments {
        let terms = probabilities.filter { $0 > 0 }.map { ($0, -log2($0)) }
        let mean = terms.reduce(0) { $0 + $1.0 * $1.1 }
        entropy[index] = Float(mean)
        variance[index] = Float(terms.reduce(0) { $0 + $1.0 * ($1.1 - mean) * ($1.1 - mean) })
      }
      if !pit.isEmpty {
        let below = probabilities[..<symbol].reduce(0, +)
        pit[index] = Float(below + pitDraw(keys[image], subpixel) * probabilities[symbol])
      }
      if levels {
        let levels = probabilities.enumerated().map { ($1, Double($0 - symbol)) }
        let error = levels.reduce(0) { $0 + $1.0 * $1.1 }
        levelError[index] = Float(error)
        levelVariance[index] = Float(
          levels.reduce(0) { $0 + $1.0 * ($1.1 - error) * ($1.1 - error) })
      }
    }
  }
}

extension PixelDistribution {
  /// What the distribution says of a batch: by a kernel that works from its outputs, on all threads,
  /// or else by its probabilities, which is counted.
  public func measures(
    of batch: PixelBatch, _ kinds: Measures.Kinds = [], in context: Context
  ) -> Measures {
    if let measures = Self.fusedMeasures(of: batch, under: [self], kinds, in: context) {
      return measures
    }
    context.backend.fallBack("measures")
    return Measures(of: batch, byProbabilitiesOf: self, kinds)
  }

  public static func fusedMeasures(
    of batch: PixelBatch, under members: [Self], _ kinds: Measures.Kinds, in context: Context
  ) -> Measures? { nil }
}

/// Measures straight from float32 logits, one tensor a member, whose probabilities are averaged. A
/// backend that has these kernels conforms.
public protocol MeasureKernels {
  /// - Parameter logits: `[N, D]` each.
  func bernoulliMeasures(
    of batch: PixelBatch, under logits: [Tensor], _ kinds: Measures.Kinds
  ) -> Measures
  /// - Parameter logits: `[N, D, K]` each.
  func categoricalMeasures(
    of batch: PixelBatch, under logits: [Tensor], _ kinds: Measures.Kinds
  ) -> Measures
}

extension Context {
  /// The kernels that measure, where the backend has them and the logits are theirs.
  func measureKernels(for logits: [Variable]) -> (any MeasureKernels, [Tensor])? {
    guard let kernels = backend as? any MeasureKernels,
      logits.allSatisfy({ $0.value.precision == .float32 })
    else { return nil }
    return (kernels, logits.map(\.value))
  }
}

/// The kernels' draw, 0 < u < 1, that belongs to an image and a sub-pixel.
func pitDraw(_ key: UInt64, _ subpixel: Int) -> Double {
  func mixed(_ word: UInt32) -> UInt32 {
    var x = word
    x = (x ^ (x >> 16)) &* 0x7feb_352d
    x = (x ^ (x >> 15)) &* 0x846c_a68b
    return x ^ (x >> 16)
  }
  let low = UInt32(truncatingIfNeeded: key)
  let high = UInt32(truncatingIfNeeded: key >> 32)
  let draw = mixed(mixed(UInt32(truncatingIfNeeded: subpixel) ^ low) ^ high)
  return (Double(draw >> 9) + 0.5) * 0x1p-23
}
