import Foundation
import Heads
import Models
import Randomness
import Tensors

/// Images that are drawn side by side where one has a hole and all agree elsewhere, each weighted by how
/// well it foretells what is seen after the hole (sequential Monte Carlo: Gordon, Salmond and Smith 1993,
/// doi:10.1049/ip-f-2.1993.0015). Where weights become too unequal, unlikely ones make room for copies of
/// likely ones, with all that the model remembers of them.
///
/// The mean weight is an unbiased estimate of the probability of what is seen.
struct Particles {
  let model: any DensityModel
  let context: Context
  /// The image; where it is hidden nothing is read but by a retained particle.
  let truth: [UInt8]
  let hole: Hole
  /// Whether the first particle is the true image, and never dies (Andrieu, Doucet and Holenstein 2010,
  /// doi:10.1111/j.1467-9868.2009.00736.x): then p(x) times the mean of 1 / evidence is how probable it is
  /// that particles end with this image.
  var retainsTruth = false

  private(set) var memory: Memory
  /// What was told of each, and what is known since, `[P][…]`.
  private(set) var images: [[UInt8]]
  private var logWeights: [Double]
  /// Which of the first particles each descends from.
  private var ancestors: [Int]
  /// How many of the first particles had a descendant at the end of what is seen.
  private(set) var lines = 0
  /// log of the mean weight, nats.
  private(set) var logEvidence = 0.0
  /// The smallest Σ² w / Σ w² there was.
  private(set) var effective: Double
  private var random: RandomStream

  /// - Parameter memory: of one image, of which a model has been told all that comes before the step of
  ///   the hole's first sub-pixel but its latest step.
  init(
    _ count: Int, _ model: any DensityModel, in context: Context, truth: [UInt8], _ hole: Hole,
    after memory: Memory, known: Int, random: RandomStream
  ) {
    (self.model, self.context, self.truth, self.hole) = (model, context, truth, hole)
    self.memory = memory.copy(of: Array(repeating: 0, count: count))
    images = Array(repeating: Array(truth.prefix(known)), count: count)
    logWeights = Array(repeating: 0, count: count)
    ancestors = Array(0..<count)
    effective = Double(count)
    self.random = random
  }

  private var count: Int { images.count }

  /// Goes on to the end of what is seen, and keeps one particle, drawn by its weight, and then to the end.
  /// - Returns: nil where it was stopped.
  mutating func finish(_ goOn: (_ subpixels: Int) -> Bool) throws(GenerationError) -> [UInt8]? {
    guard try advance(to: hole.end, goOn) else { return nil }
    close()
    let kept = drawn(by: weights, 1)
    choose(kept)
    guard try advance(to: truth.count, goOn) else { return nil }
    return images[0]
  }

  /// Goes on to the end of what is seen; false where it was stopped.
  mutating func weigh(_ goOn: (_ subpixels: Int) -> Bool) throws(GenerationError) -> Bool {
    guard try advance(to: hole.end, goOn) else { return false }
    close()
    return true
  }

  /// Steps until so many sub-pixels are known.
  private mutating func advance(
    to end: Int, _ goOn: (_ subpixels: Int) -> Bool
  ) throws(GenerationError) -> Bool {
    let each = model.subpixelsAStep
    while images[0].count < end {
      let first = images[0].count
      let latest = images.flatMap { $0.suffix(first == 0 ? 0 : each) }
      let conditionals = model.next(after: latest, in: context.remembering(memory))
      for subpixel in first..<first + each {
        try tell(subpixel, conditionals, given: subpixel - first)
      }
      if !hole.isHidden[first] { try weigh(by: conditionals, first..<first + each) }
      guard goOn(each) else { return false }
    }
    return true
  }

  /// Draws a sub-pixel of each image, or takes what is seen.
  private mutating func tell(
    _ subpixel: Int, _ conditionals: any PixelDistribution, given: Int
  ) throws(GenerationError) {
    var symbols = Array(repeating: truth[subpixel], count: count)
    if hole.isHidden[subpixel] {
      let uniforms = (0..<count).map { _ in random.uniform() }
      let known = images.flatMap { $0.suffix(given) }
      guard let drawn = conditionals.draw(subpixel: given, given: known, uniforms, in: context)
      else { throw .notANumber(subpixel: subpixel) }
      symbols.replaceSubrange((retainsTruth ? 1 : 0)..., with: drawn[(retainsTruth ? 1 : 0)...])
    }
    for n in 0..<count { images[n].append(symbols[n]) }
  }

  /// Weighs each by the probability of the sub-pixels that are seen.
  private mutating func weigh(
    by conditionals: any PixelDistribution, _ seen: Range<Int>
  ) throws(GenerationError) {
    let symbols = Array(repeating: truth[seen], count: count).flatMap(\.self)
    let terms = conditionals.logProbability(of: symbols, in: context).value.values
    guard terms.allSatisfy({ !$0.isNaN }) else { throw .notANumber(subpixel: seen.lowerBound) }
    for n in 0..<count {
      logWeights[n] += terms[n * seen.count..<(n + 1) * seen.count].reduce(0, +)
    }
    let weights = weights
    let size = 1 / weights.reduce(0) { $0 + $1 * $1 }
    effective = min(effective, size)
    guard size < Double(count) / 2 else { return }
    close()
    choose(
      retainsTruth ? [0] + drawn(by: weights, count - 1) : drawn(by: weights, count))
  }

  /// Weights of sum one.
  private var weights: [Double] {
    let total = logSumExp(logWeights)
    // What no particle foretells leaves all alike.
    guard total > -.infinity else { return logWeights.map { _ in 1 / Double(count) } }
    return logWeights.map { exp($0 - total) }
  }

  /// Puts the mean of the weights to the evidence; what is chosen next starts anew.
  private mutating func close() {
    logEvidence += logSumExp(logWeights) - log(Double(count))
    lines = Set(ancestors).count
  }

  private mutating func choose(_ chosen: [Int]) {
    memory = memory.copy(of: chosen)
    images = chosen.map { images[$0] }
    ancestors = chosen.map { ancestors[$0] }
    logWeights = Array(repeating: 0, count: chosen.count)
  }

  /// Indices drawn by weight, each for itself.
  private mutating func drawn(by weights: [Double], _ count: Int) -> [Int] {
    (0..<count).map { _ in
      var left = random.uniform()
      return weights.firstIndex { weight in
        left -= weight
        return left < 0
      } ?? weights.count - 1
    }
  }
}
