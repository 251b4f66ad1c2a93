import Foundation
import Images
import Tensors

extension DiscretisedNormal {
  /// By the definitions, in double precision and on all threads, but that levels nine deviations from the
  /// mean add nothing.
  public static func fusedMeasures(
    of batch: PixelBatch, under members: [DiscretisedNormal], _ kinds: Measures.Kinds,
    in context: Context
  ) -> Measures? {
    guard members.count == 1 else { return nil }
    let (levels, values) = (members[0].levels, members[0].outputs.value.values)
    let keys = kinds.contains(.pit) ? batch.contentKeys : []
    let each = batch.dimension
    let rows = MeasuredImages(count: batch.count)
    context.backend.concurrently(batch.count) { image in
      let measured = (image * each..<(image + 1) * each).map { place in
        Measured(
          levels, values[2 * place], values[2 * place + 1], batch.symbols[place],
          keys.isEmpty ? 0 : pitDraw(keys[image], place - image * each),
          ofLevels: kinds.contains(.moments) || kinds.contains(.levels))
      }
      rows.set(image, to: measured)
    }
    let all = rows.values.flatMap { $0 }
    func numbers(_ kind: Measures.Kinds, _ measure: (Measured) -> Double) -> [Float] {
      kinds.contains(kind) ? all.map { Float(measure($0)) } : []
    }
    return Measures(
      surprise: all.map { Float($0.surprise) }, entropy: numbers(.moments, \.entropy),
      variance: numbers(.moments, \.variance), pit: numbers(.pit, \.pit),
      levelError: numbers(.levels, \.levelError), levelVariance: numbers(.levels, \.levelVariance))
  }
}

/// Of one sub-pixel.
private struct Measured: Sendable {
  var surprise, pit: Double
  var entropy = 0.0, variance = 0.0, levelError = 0.0, levelVariance = 0.0

  init(
    _ levels: Int, _ mean: Double, _ logDeviation: Double, _ symbol: UInt8, _ draw: Double,
    ofLevels: Bool
  ) {
    let own = NormalBin(of: symbol, of: levels, mean, logDeviation)
    let log = own.logShare
    surprise = -log / M_LN2
    pit = NormalBin.share(below: own.lower) + draw * exp(log)
    guard ofLevels, own.inverse.isFinite, mean.isFinite else { return }
    let (scale, reach) = (Double(levels - 1), 9 / own.inverse)
    func level(_ place: Double) -> Int { Int(min(max(place * scale, 0), scale).rounded()) }
    var below = 0.0
    var (bits, squares, levelsAbove, levelSquares) = (0.0, 0.0, 0.0, 0.0)
    for level in level(mean - reach)...level(mean + reach) {
      let above =
        level == levels - 1
        ? 1 : NormalBin.share(below: ((Double(level) + 0.5) / scale - mean) * own.inverse)
      let p = above - below
      below = above
      guard p > 0 else { continue }
      let (surprise, far) = (-log2(p), Double(level) - Double(symbol))
      bits += p * surprise
      squares += p * surprise * surprise
      levelsAbove += p * far
      levelSquares += p * far * far
    }
    (entropy, variance) = (bits, max(0, squares - bits * bits))
    (levelError, levelVariance) = (levelsAbove, max(0, levelSquares - levelsAbove * levelsAbove))
  }
}

/// What each thread has measured of its images.
private final class MeasuredImages: @unchecked Sendable {
  private let lock = NSLock()
  private(set) var values: [[Measured]]

  init(count: Int) { values = Array(repeating: [], count: count) }

  func set(_ image: Int, to measured: [Measured]) {
    lock.withLock { values[image] = measured }
  }
}
