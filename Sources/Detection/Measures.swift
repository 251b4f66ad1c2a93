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

  /// In one pass over the logits, on all threads, where the distribution shows them; elsewhere from
  /// its probabilities, one sub-pixel after the other.
  package init(
    of batch: PixelBatch, under conditionals: any PixelDistribution, _ needs: Evidence.Needs
  ) {
    let count = batch.symbols.count
    surprise = [Float](repeating: 0, count: count)
    if needs.contains(.moments) {
      entropy = surprise
      variance = surprise
    }
    if needs.contains(.pit) { pit = surprise }
    if let logits = (conditionals as? any HasLogits)?.rows {
      measure(batch, logits)
    } else {
      measure(batch, conditionals)
    }
  }

  private mutating func measure(_ batch: PixelBatch, _ logits: Logits) {
    let keys = needsKeys ? batch.contentKeys : []
    let pointers = logits.members.map { UnsafePointer($0.floats.baseAddress) }
    withExtendedLifetime(logits) {
      Self.pointers(to: &surprise, &entropy, &variance, &pit) { surprise, entropy, variance, pit in
        pointers.withUnsafeBufferPointer { members in
          var evidence = sl_evidence()
          evidence.logits = members.baseAddress
          evidence.members = members.count
          evidence.images = batch.count
          evidence.subpixels = batch.dimension
          (evidence.surprise, evidence.entropy) = (surprise, entropy)
          (evidence.variance, evidence.pit) = (variance, pit)
          batch.symbols.withUnsafeBufferPointer { symbols in
            keys.withUnsafeBufferPointer { keys in
              evidence.symbols = symbols.baseAddress
              evidence.keys = keys.baseAddress
              switch logits.kind {
              case .bernoulli: sl_bernoulli_evidence(&evidence)
              case .categorical: sl_categorical_evidence(&evidence, batch.levels)
              }
            }
          }
        }
      }
    }
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
    }
  }

  /// The elements of four arrays in place, nil for an empty one.
  private static func pointers(
    to a: inout [Float], _ b: inout [Float], _ c: inout [Float], _ d: inout [Float],
    _ body: (
      UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?,
      UnsafeMutablePointer<Float>?
    ) -> Void
  ) {
    func start(_ buffer: UnsafeMutableBufferPointer<Float>) -> UnsafeMutablePointer<Float>? {
      buffer.isEmpty ? nil : buffer.baseAddress
    }
    a.withUnsafeMutableBufferPointer { a in
      b.withUnsafeMutableBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          d.withUnsafeMutableBufferPointer { d in body(start(a), start(b), start(c), start(d)) }
        }
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
