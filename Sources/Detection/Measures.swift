import CKernels
import Foundation
import Heads
import Images
import Randomness
import Tensors

/// What conditionals say of the symbols that were found, a number a sub-pixel, `[N, H, W, C]`; what
/// was not asked for is empty. Units are those of `Evidence`.
package struct Measures: Sendable {
  package private(set) var surprise: [Float]
  package private(set) var entropy: [Float] = []
  package private(set) var variance: [Float] = []
  package private(set) var pit: [Float] = []
  /// The mean level less the symbol's, and the variance of the level.
  package private(set) var levelError: [Float] = []
  package private(set) var levelVariance: [Float] = []

  /// In one pass over the logits, on all threads, where the distribution shows them; elsewhere from
  /// its probabilities, one sub-pixel after the other.
  package init(
    of batch: PixelBatch, under conditionals: any PixelDistribution, _ needs: Evidence.Needs
  ) {
    surprise = []
    let wanted: [WritableKeyPath<Measures, [Float]>] =
      [\.surprise] + (needs.contains(.moments) ? [\.entropy, \.variance] : [])
      + (needs.contains(.pit) ? [\.pit] : [])
      + (needs.contains(.levels) ? [\.levelError, \.levelVariance] : [])
    for measure in wanted {
      self[keyPath: measure] = [Float](repeating: 0, count: batch.symbols.count)
    }
    if let logits = (conditionals as? any HasLogits)?.rows {
      measure(batch, logits, wanted)
    } else {
      measure(batch, conditionals)
    }
  }

  private mutating func measure(
    _ batch: PixelBatch, _ logits: Logits, _ wanted: [WritableKeyPath<Measures, [Float]>]
  ) {
    let keys = needsKeys ? batch.contentKeys : []
    let members = logits.members.map { UnsafePointer($0.floats.baseAddress) }
    var buffers: [PartialKeyPath<Measures>: UnsafeMutableBufferPointer<Float>] = [:]
    for measure in wanted { buffers[measure] = .allocate(capacity: batch.symbols.count) }
    defer { for buffer in buffers.values { buffer.deallocate() } }
    func start(_ measure: PartialKeyPath<Measures>) -> UnsafeMutablePointer<Float>? {
      buffers[measure]?.baseAddress
    }
    withExtendedLifetime(logits) {
      members.withUnsafeBufferPointer { members in
        batch.symbols.withUnsafeBufferPointer { symbols in
          keys.withUnsafeBufferPointer { keys in
            var evidence = sl_evidence()
            evidence.logits = members.baseAddress
            evidence.members = members.count
            evidence.images = batch.count
            evidence.subpixels = batch.dimension
            evidence.symbols = symbols.baseAddress
            evidence.keys = keys.baseAddress
            evidence.surprise = start(\.surprise)
            (evidence.entropy, evidence.variance) = (start(\.entropy), start(\.variance))
            evidence.pit = start(\.pit)
            (evidence.error, evidence.spread) = (start(\.levelError), start(\.levelVariance))
            switch logits.kind {
            case .bernoulli: sl_bernoulli_evidence(&evidence)
            case .categorical: sl_categorical_evidence(&evidence, batch.levels)
            }
          }
        }
      }
    }
    for measure in wanted { self[keyPath: measure] = Array(buffers[measure]!) }
  }

  private var needsKeys: Bool { !pit.isEmpty }

  /// The definitions, in double precision.
  private mutating func measure(_ batch: PixelBatch, _ conditionals: any PixelDistribution) {
    let keys = needsKeys ? batch.contentKeys : []
    for index in batch.symbols.indices {
      let (image, subpixel) = index.quotientAndRemainder(dividingBy: batch.dimension)
      let probabilities = conditionals.probabilities(image: image, subpixel: subpixel)
      let symbol = Int(batch.symbols[index])
      surprise[index] = Float(-log2(probabilities[symbol]))
      if !entropy.isEmpty {
        let terms = probabilities.filter { $0 > 0 }.map { ($0, -log2($0)) }
        let mean = terms.reduce(0) { $0 + $1.0 * $1.1 }
        entropy[index] = Float(mean)
        variance[index] = Float(terms.reduce(0) { $0 + $1.0 * ($1.1 - mean) * ($1.1 - mean) })
      }
      if !pit.isEmpty {
        let below = probabilities[..<symbol].reduce(0, +)
        pit[index] = Float(below + uniform(keys[image], subpixel) * probabilities[symbol])
      }
      if !levelError.isEmpty {
        let levels = probabilities.enumerated().map { ($1, Double($0 - symbol)) }
        let error = levels.reduce(0) { $0 + $1.0 * $1.1 }
        levelError[index] = Float(error)
        levelVariance[index] = Float(
          levels.reduce(0) { $0 + $1.0 * ($1.1 - error) * ($1.1 - error) })
      }
    }
  }
}

/// The float32 logits of one distribution, or of several whose probabilities are averaged.
struct Logits {
  enum Kind { case bernoulli, categorical }
  let kind: Kind
  let members: [Tensor]
}

/// Conditionals that a kernel measures straight from their logits: beside a head's probabilities and
/// draws, what a new head may bring for speed.
protocol HasLogits {
  /// Nil where they are not float32, or not all of one kind.
  var rows: Logits? { get }
}

extension Bernoulli: HasLogits {
  var rows: Logits? {
    logits.value.precision == .float32 ? Logits(kind: .bernoulli, members: [logits.value]) : nil
  }
}

extension Categorical: HasLogits {
  var rows: Logits? {
    logits.value.precision == .float32
      ? Logits(kind: .categorical, members: [logits.value]) : nil
  }
}

extension AveragedConditionals: HasLogits {
  var rows: Logits? {
    let all = members.map { ($0 as? any HasLogits)?.rows }
    guard let kind = all[0]?.kind, all.allSatisfy({ $0?.kind == kind }) else { return nil }
    return Logits(kind: kind, members: all.flatMap { $0!.members })
  }
}

extension PixelBatch {
  /// A key of each image's own draws, from its symbols alone.
  var contentKeys: [UInt64] {
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

/// The kernels' draw, 0 < u < 1, that belongs to an image and a sub-pixel.
private func uniform(_ key: UInt64, _ subpixel: Int) -> Double {
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

/// Calls `body` for every index below `count` on the threads that the kernels run on.
func onEveryThread(_ count: Int, _ body: (Int) -> Void) {
  withoutActuallyEscaping(body) { body in
    var body = body
    withUnsafeMutablePointer(to: &body) { context in
      sl_for_each(count, context) { context, index in
        context!.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
      }
    }
  }
}
