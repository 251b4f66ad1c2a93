import Distributions
import Randomness
import Tensors

/// Given probabilities, whatever the place.
struct FixedDistribution: PixelDistribution {
  let weights: [Double]

  func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    preconditionFailure("only for drawing")
  }

  func probabilities(image: Int, subpixel: Int) -> [Double] { weights }
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
