import Foundation
import Heads
import Images
import Layers
import Models
import Randomness
import Tensors

extension Verification {
  /// At every sub-pixel the head's own probabilities sum to one, and the one of the level that is there
  /// is what the likelihood counts.
  func sumsToOne(_ images: PixelBatch) -> Attempt {
    { progress in
      let (d, channels) = (images.dimension, images.channels)
      let conditionals = model.conditionals(images, in: context)
      let scored = conditionals.logProbability(of: images, in: context).value.values
      var (sum, gap) = (0.0, 0.0)
      var isNumber = true
      for place in 0..<images.count * d {
        if place % d == 0, !progress(.sumsToOne, place / d, images.count) { return nil }
        let first = place - place % channels
        let p = conditionals.probabilities(
          image: place / d, subpixel: place % d, given: images.symbols[first..<place])
        sum = max(sum, abs(p.reduce(0, +) - 1))
        // Of nats; relative where they are many.
        let (here, there) = (log(p[Int(images.symbols[place])]), scored[place])
        if here > -.infinity || there > -80 { gap = max(gap, abs(here - there) / max(1, -there)) }
        if !p.allSatisfy({ $0 >= 0 }) || there.isNaN { isNumber = false }
      }
      return Claim(
        kind: .sumsToOne, holds: isNumber && sum < 1e-5 && gap < 1e-4,
        evidence: isNumber
          ? "\(images.count * d) sub-pixels of \(images.levels) levels: at most \(brief(sum)) from one,"
            + " and \(brief(gap)) nats from what is scored"
          : "a probability is negative or no number")
    }
  }

  /// The probabilities of all images there are of a very small size, by a model of the same family and
  /// settings with weights of its own.
  func allImages(like specification: ModelSpecification, _ progress: Progress) -> Claim? {
    for (levels, height, width) in [(3, 2, 3), (3, 1, 2), (2, 2, 2), (2, 3, 3), (2, 4, 4)] {
      let image = ImageShape(height: height, width: width, channels: specification.image.channels)
      let count = pow(Double(levels), Double(image.dimension))
      let kind = specification.head.kind
      guard kind.levels.contains(levels), count <= 65_536, count >= 16,
        let small = try? ModelSpecification(
          name: specification.name, settings: specification.settings,
          head: Head(kind, levels: levels), image: image, classes: specification.classes,
          orders: specification.orders, seed: specification.seed),
        let model = try? withLiveWeights(small)
      else { continue }
      let all = Int(count)
      // Given the first class, and given the last.
      let labels = specification.classes.map { [0, $0 - 1] } ?? [nil]
      var worst = 0.0
      for label in labels {
        var sum = 0.0
        for first in stride(from: 0, to: all, by: 64) {
          let numbers = first..<min(first + 64, all)
          let batch = PixelBatch(
            count: numbers.count, height: height, width: width, channels: image.channels,
            levels: levels, symbols: numbers.flatMap { Self.digits($0, image.dimension, levels) },
            labels: label.map { Array(repeating: $0, count: numbers.count) })
          let logs = model.logProbability(of: batch, orders: orders, in: Context(context.engine))
          sum += logs.reduce(0) { $0 + exp($1) }
          guard progress(.allImages, numbers.upperBound, all) else { return nil }
        }
        worst = sum.isNaN ? .nan : max(worst, abs(sum - 1))
      }
      let given = labels[0] == nil ? "" : ", given a class"
      return Claim(
        kind: .allImages, holds: worst < 1e-4,
        evidence: "\(all) images of \(image) with \(levels) levels\(given)"
          + (orders > 1 ? " over \(orders) orders" : "") + ": \(brief(worst)) from one"
      )
    }
    return nil
  }

  /// The number's digits to base `levels`, the lowest first: an image.
  private static func digits(_ number: Int, _ count: Int, _ levels: Int) -> [UInt8] {
    var rest = number
    return (0..<count).map { _ in
      defer { rest /= levels }
      return UInt8(rest % levels)
    }
  }

  /// A small model whose weights are all away from their first values, many of which are zero.
  private func withLiveWeights(_ specification: ModelSpecification) throws -> any DensityModel {
    let store = ParameterStore(seed: specification.seed)
    let model = try specification.build(in: store)
    for parameter in store.parameters {
      var random = RandomStream(seed: seed, "verify/\(parameter.name)")
      let mask = parameter.mask?.values
      parameter.value.write(
        parameter.value.values.enumerated().map { i, value in
          (value + 0.1 * (2 * random.uniform() - 1)) * (mask?[i] ?? 1)
        })
    }
    return model
  }
}

/// A number to three digits.
func brief(_ value: Double) -> String { String(format: "%.2g", value) }
