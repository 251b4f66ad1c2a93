import Foundation
import Heads
import Images
import Models
import Randomness
import Tensors

extension Verification {
  /// The share of right samplers that this test refuses.
  public static let level = 0.001

  /// Where x follows its conditionals, u = F(x − 1) + v p(x) with v uniform is uniform and independent
  /// of all before it, and Σ (s − H) / √Σ v over all surprises s is standard normal. Three tests share
  /// the level: Kolmogorov and Smirnov's of u, the correlation of neighbours among the u, and the sum
  /// of surprise.
  func samples(_ images: PixelBatch) -> Attempt {
    { progress in
      let (d, channels) = (images.dimension, images.channels)
      var random = RandomStream(seed: seed, "verify/pit")
      var uniforms: [Double] = []
      uniforms.reserveCapacity(images.count * d)
      var (surprise, variance) = (0.0, 0.0)
      for first in stride(from: 0, to: images.count, by: imagesAtOnce) {
        let range = first..<min(first + imagesAtOnce, images.count)
        let group = batch(
          images.symbols[range.lowerBound * d..<range.upperBound * d],
          labels: images.labels.map { Array($0[range]) })
        let conditionals = model.conditionals(group, in: context)
        for place in 0..<group.symbols.count {
          if place % d == 0, !progress(.samples, first + place / d, images.count) { return nil }
          let p = conditionals.probabilities(
            image: place / d, subpixel: place % d,
            given: group.symbols[place - place % channels..<place])
          let x = Int(group.symbols[place])
          uniforms.append(p[..<x].reduce(0, +) + random.uniform() * p[x])
          var (mean, square) = (0.0, 0.0)
          for q in p where q > 0 {
            mean -= q * log(q)
            square += q * log(q) * log(q)
          }
          surprise += -log(p[x]) - mean
          variance += square - mean * mean
        }
      }
      let tests = [
        ("uniformity", kolmogorov(uniforms)), ("neighbours", neighbours(uniforms)),
        // Where nothing is left to chance there is nothing to test.
        ("surprise", variance > 1e-9 ? twoSided(surprise / variance.squareRoot()) : 1),
      ]
      let holds = tests.allSatisfy { $0.1 >= Self.level / Double(tests.count) }
      return Claim(
        kind: .samples, holds: holds,
        evidence: "\(images.count) samples, p "
          + tests.map { "\(brief($0.1)) (\($0.0))" }.joined(separator: ", ")
          + "; a right sampler fails once in \(Int(1 / Self.level))")
    }
  }

  /// p of the largest distance between the distribution of the numbers and the uniform one.
  private func kolmogorov(_ uniforms: [Double]) -> Double {
    let sorted = uniforms.sorted()
    let n = Double(sorted.count)
    var distance = 0.0
    for (i, u) in sorted.enumerated() {
      distance = max(distance, u - Double(i) / n, Double(i + 1) / n - u)
    }
    guard !distance.isNaN else { return 0 }
    // Stephens 1970: good for every n.
    let x = distance * (n.squareRoot() + 0.12 + 0.11 / n.squareRoot())
    var p = 0.0
    for k in 1...100 { p += (k % 2 == 1 ? 2 : -2) * exp(-2 * Double(k * k) * x * x) }
    return x < 0.2 ? 1 : min(1, max(0, p))
  }

  /// p of the correlation between each number and the next.
  private func neighbours(_ uniforms: [Double]) -> Double {
    guard uniforms.count > 1 else { return 1 }
    let products = zip(uniforms, uniforms.dropFirst()).reduce(0) {
      $0 + ($1.0 - 0.5) * ($1.1 - 0.5)
    }
    // Each product has mean 0 and variance 1/144, and they are uncorrelated.
    return twoSided(12 * products / Double(uniforms.count - 1).squareRoot())
  }

  private func twoSided(_ z: Double) -> Double { z.isNaN ? 0 : erfc(abs(z) / 2.0.squareRoot()) }
}
