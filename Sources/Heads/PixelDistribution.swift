import Images
import Tensors

/// The conditional distribution of each sub-pixel of each image, given those before it.
///
/// It owns both the probability of a symbol and the drawing of one, so what is drawn can never drift
/// from what is scored.
public protocol PixelDistribution {
  /// log p of each symbol, nats: `[N, D]`. Differentiable where the context has a tape.
  func logProbability(of symbols: [UInt8], in context: Context) -> Variable

  /// The probability of each level at one sub-pixel; they sum to one.
  /// - Parameter given: the earlier channels of its pixel, which a head of whole pixels needs to know.
  func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double]

  /// An exact draw of one sub-pixel of every image, from a uniform number each in 0 ..< 1.
  /// - Parameter given: the earlier channels of its pixel, `[N, channels]`.
  /// - Returns: nil where an output is no number.
  func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]?

  /// `measures(of:in:)` of the mean of some of these distributions by a kernel, straight from their
  /// outputs: what a head may bring for speed. Nil, as by default, where the definitions have to do.
  static func fusedMeasures(
    of batch: PixelBatch, under members: [Self], _ kinds: Measures.Kinds, in context: Context
  ) -> Measures?
}

extension PixelDistribution {
  /// The probability of each level at one sub-pixel, for a head that tells each by itself.
  public func probabilities(image: Int, subpixel: Int) -> [Double] {
    probabilities(image: image, subpixel: subpixel, given: [])
  }

  /// log p of each sub-pixel of each image, nats: `[N, D]`.
  public func logProbability(of batch: PixelBatch, in context: Context) -> Variable {
    logProbability(of: batch.symbols, in: context)
  }

  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    draw(subpixel: subpixel, given: given, uniforms, SamplingOptions())
  }

  /// Draws one sub-pixel of every image, exactly or with departures from the distribution.
  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], options: SamplingOptions,
    in context: Context
  ) -> [UInt8]? {
    options.isExact
      ? draw(subpixel: subpixel, given: given, uniforms, in: context)
      : draw(subpixel: subpixel, given: given, uniforms, options)
  }

  /// The first level whose cumulated weight exceeds a share of all.
  private func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], _ options: SamplingOptions
  ) -> [UInt8]? {
    var symbols: [UInt8] = []
    let width = given.count / uniforms.count
    for (image, uniform) in uniforms.enumerated() {
      let probabilities = probabilities(
        image: image, subpixel: subpixel, given: given[image * width..<(image + 1) * width])
      guard probabilities.allSatisfy(\.isFinite) else { return nil }
      let weights = options.reshape(probabilities)
      var left = uniform * weights.reduce(0, +)
      let level = weights.firstIndex { weight in
        left -= weight
        return left < 0
      }
      // Rounding may leave a crumb behind the last level.
      symbols.append(UInt8(level ?? weights.lastIndex { $0 > 0 }!))
    }
    return symbols
  }
}
