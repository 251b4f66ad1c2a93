import Foundation
import Images
import Models
import Tensors
import Training

/// What passes of their own say of images, beside the one pass that all other scores come from: only those
/// are run that a score `needs`.
struct FurtherPasses {
  let trained: TrainedModel
  /// Another run over the same images, for a ratio of likelihoods.
  let other: TrainedModel?

  /// What they say of one image; nil where it was not asked for.
  struct Findings: Sendable {
    /// Mean of −log p of its flips and quarter turns, nats.
    var stirred: Double?
    /// Mean of −log p of the derangements of its quarters, nats.
    var shaken: Double?
    /// Mean over the weights of ln ‖∂ log p / ∂θ‖².
    var gradient: Double?
    /// −log p by the other run, nats.
    var other: Double?
    /// Standard deviation of −log p over the orders that the run knows, nats.
    var disagreement: Double?
  }

  /// What is said of each image of a batch.
  func findings(of batch: PixelBatch, _ needs: Evidence.Needs) -> [Findings] {
    var findings = [Findings](repeating: Findings(), count: batch.count)
    func set(_ path: WritableKeyPath<Findings, Double?>, _ values: [Double]) {
      for (index, value) in values.enumerated() { findings[index][keyPath: path] = value }
    }
    if needs.contains(.stirred) { set(\.stirred, meanNats(of: batch, batch.turns)) }
    if needs.contains(.shaken) { set(\.shaken, meanNats(of: batch, batch.derangements)) }
    if needs.contains(.gradient) { set(\.gradient, gradients(of: batch)) }
    if needs.contains(.other), let other {
      set(\.other, other.logProbability(of: batch).map { -$0 })
    }
    if needs.contains(.orders) { set(\.disagreement, disagreement(on: batch)) }
    return findings
  }

  /// Over eight orders, where so many are known.
  private func disagreement(on batch: PixelBatch) -> [Double] {
    let orders = min(8, trained.model.knownOrders ?? 8)
    let each = trained.model.logProbabilities(of: batch, orders: orders, in: trained.context)
    return (0..<batch.count).map { image in
      let found = each.map { $0[image] }
      let mean = found.reduce(0, +) / Double(orders)
      let squares = found.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(orders - 1)).squareRoot()
    }
  }

  /// - Parameter places: for each way of moving sub-pixels, whence each comes.
  private func meanNats(of batch: PixelBatch, _ places: [[Int]]) -> [Double] {
    var sums = [Double](repeating: 0, count: batch.count)
    for ways in places {
      let found = trained.logProbability(of: batch.moved(from: ways))
      for (index, value) in found.enumerated() { sums[index] -= value }
    }
    return sums.map { $0 / Double(places.count) }
  }

  /// An image at a time: gradients of several would be summed.
  private func gradients(of batch: PixelBatch) -> [Double] {
    (0..<batch.count).map { index in
      let image = batch[index..<index + 1]
      let context = Context(trained.context.engine, tape: Tape())
      let logProbability = trained.model.conditionals(image, in: context)
        .logProbability(of: image, in: context)
      let gradients = context.gradients(of: logProbability, seed: 1)
      let squares = trained.parameters.compactMap { parameter in
        gradients[parameter].map { $0.values.reduce(0) { $0 + $1 * $1 } }
      }
      // Of a weight that nothing moves there is still a logarithm.
      return squares.reduce(0) { $0 + log($1 + 1e-30) } / Double(max(1, squares.count))
    }
  }
}

extension PixelBatch {
  /// The same images with each sub-pixel taken from another place.
  package func moved(from places: [Int]) -> PixelBatch {
    var moved = self
    for image in 0..<count {
      let start = image * dimension
      for (index, place) in places.enumerated() {
        moved.symbols[start + index] = symbols[start + place]
      }
    }
    return moved
  }

  /// Whence each sub-pixel comes where the pixel at (y, x) comes from another.
  private func places(_ from: (_ y: Int, _ x: Int) -> (y: Int, x: Int)) -> [Int] {
    (0..<height).flatMap { y in
      (0..<width).flatMap { x in
        let pixel = from(y, x)
        return (0..<channels).map { (pixel.y * width + pixel.x) * channels + $0 }
      }
    }
  }

  /// The other seven of a square's symmetries; of another rectangle's, three.
  package var turns: [[Int]] {
    let (bottom, right) = (height - 1, width - 1)
    let flips = [
      places { ($0, right - $1) }, places { (bottom - $0, $1) },
      places { (bottom - $0, right - $1) },
    ]
    guard height == width else { return flips }
    return flips + [
      places { ($1, $0) }, places { ($1, right - $0) }, places { (bottom - $1, $0) },
      places { (bottom - $1, right - $0) },
    ]
  }

  /// The nine ways of moving all four quarters of an image to other places. A last odd row or column stays.
  package var derangements: [[Int]] {
    let (h, w) = (height / 2, width / 2)
    let quarters = [(0, 0), (0, w), (h, 0), (h, w)]
    return Self.derangementsOfFour.map { order in
      places { y, x in
        guard y < 2 * h, x < 2 * w else { return (y, x) }
        let from = quarters[order[y / h * 2 + x / w]]
        return (from.0 + y % h, from.1 + x % w)
      }
    }
  }

  private static let derangementsOfFour = (0..<256).map { number in
    [number & 3, number >> 2 & 3, number >> 4 & 3, number >> 6]
  }.filter { order in
    Set(order).count == 4 && order.enumerated().allSatisfy { $0.offset != $0.element }
  }
}
