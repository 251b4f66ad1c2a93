import Heads
import Randomness
import Tensors

/// Given probabilities, whatever the place.
struct FixedDistribution: PixelDistribution {
  let weights: [Double]

  func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    preconditionFailure("only for drawing")
  }

  func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] { weights }

  func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    // The general way: exact options take it where nothing better is offered.
    draw(
      subpixel: subpixel, given: given, uniforms,
      options: SamplingOptions(temperature: 1, topK: weights.count), in: context)
  }
}

extension PixelDistribution {
  /// How often each level comes in so many draws.
  func counts(
    _ draws: Int, _ options: SamplingOptions = SamplingOptions(), levels: Int, image: Int = 0,
    subpixel: Int = 0, seed: UInt64 = 1
  ) -> [Int] {
    var random = RandomStream(seed: seed, "draws")
    var counts = [Int](repeating: 0, count: levels)
    for _ in 0..<draws {
      counts[Int(sample(image: image, subpixel: subpixel, options, using: &random))] += 1
    }
    return counts
  }

  /// A draw of one sub-pixel of one image of two.
  func sample(
    image: Int, subpixel: Int, _ options: SamplingOptions = SamplingOptions(),
    using random: inout RandomStream
  ) -> UInt8 {
    let uniform = random.uniform()
    let drawn = draw(
      subpixel: subpixel, given: [], [uniform, uniform], options: options, in: Context(.reference))
    return drawn![image]
  }
}

/// Pearson's χ² of counts under probabilities, over the levels that are expected at all; infinite
/// where a level came that cannot.
func chiSquare(_ counts: [Int], _ probabilities: [Double]) -> Double {
  let total = Double(counts.reduce(0, +))
  return zip(counts, probabilities).reduce(0) { sum, pair in
    let expected = pair.1 * total
    guard expected > 0 else { return pair.0 == 0 ? sum : .infinity }
    let difference = Double(pair.0) - expected
    return sum + difference * difference / expected
  }
}
