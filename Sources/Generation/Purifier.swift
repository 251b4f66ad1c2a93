import Foundation
import Images
import Models
import Tensors

/// Moves images toward what a density holds likely, each sub-pixel by a little at most. First as PixelDefend
/// does (Song et al. 2018, arXiv:1710.10766, algorithm 1),
///
///     x′_i = argmax p(z | x′_1, …, x′_(i − 1)) over z with |z − x_i| ≤ 0.6 ε
///
/// greedily, in the order in which the model tells sub-pixels, and each in the light of those that have been
/// moved: what many copies of the algorithm leave out. Where two levels are as likely the image's own stays.
/// Then by a few steps, from ε / 3 down, along the sign of ∇ log p(x′), within ε of x: so a sub-pixel moves
/// for the sake of later ones too. Where these end less likely than the image was they are taken back.
///
/// Where we depart from the paper, which has the first alone, with all of ε: the steps; and p is smoothed over
/// neighbouring levels by a normal density, its slope taken as far apart. The paper's mixture of logistics is
/// smooth by itself, but a softmax over 256 levels has spikes where a level is frequent by chance, and the
/// likeliest of a window was one of these too often.
///
/// ```swift
/// let purified = try Purifier(model, in: context, reach: 8).purify(batch)
/// ```
///
/// The first costs what drawing as many images costs, a step of the second what one of training does.
public struct Purifier {
  public let model: any DensityModel
  public let context: Context
  /// ε: the most that a sub-pixel moves, levels.
  public let reach: Int
  /// Steps along the gradient.
  public let steps: Int
  /// The most that it moves before these.
  private let window: Int
  /// Weights of levels by how far they are: of a normal density, up to two deviations.
  private let weights: [Double]
  /// Half of how far apart slopes are taken, levels.
  private let slope: Int

  /// The deviation of the density that p is smoothed by, intensities of 0…255.
  public static let smoothing = 6.0
  public static let steps = 6
  /// What of ε a sub-pixel may move before the steps along the gradient.
  private static let share = 0.6

  /// - Parameters:
  ///   - steps: along the gradient; 0: none.
  ///   - smoothing: of the scale of 255, whatever the levels; 0: as in the paper.
  public init(
    _ model: any DensityModel, in context: Context, reach: Int, steps: Int = Self.steps,
    smoothing: Double = Self.smoothing
  ) {
    precondition(reach >= 1, "a sub-pixel moves by a level at least, found \(reach)")
    (self.model, self.context, self.reach, self.steps) = (model, context, reach, steps)
    window = steps == 0 ? reach : max(1, Int(Self.share * Double(reach)))
    let deviation = smoothing * Double(model.head.levels - 1) / 255
    slope = max(1, Int(deviation))
    weights = (0...Int(2 * deviation)).map { distance in
      deviation > 0 ? exp(-pow(Double(distance) / deviation, 2) / 2) : 1
    }
  }

  /// - Parameter progress: called now and then, by one thread at a time, with how many images' work is done
  ///   in all; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func purify(
    _ images: PixelBatch, progress: @escaping (_ images: Double) -> Bool = { _ in true }
  ) throws(GenerationError) -> PixelBatch? {
    // A step along the gradient takes three passes.
    let share = 1 / Double(1 + 3 * steps)
    let likeliest = try likeliest(images) {
      progress(share * Double($0) / Double(images.dimension))
    }
    guard let likeliest else { return nil }
    return climbed(from: likeliest, around: images) {
      progress(share * Double(images.count) + (1 - share) * $0)
    }
  }

  // MARK: Sub-pixel after sub-pixel

  private func likeliest(
    _ images: PixelBatch, progress: @escaping (_ subpixels: Int) -> Bool
  ) throws(GenerationError) -> PixelBatch? {
    let dimension = images.dimension
    var walk = Walk(
      model: model, context: context, group: model.samplingGroup(in: context.precision))
    if let labels = images.labels { walk.label = { labels[$0] } }
    return try walk.run(0..<images.count, progress: progress) { group in
      { step in
        var chosen: [UInt8] = []
        for (n, image) in group.enumerated() {
          let own = Int(images.symbols[image * dimension + step.subpixel])
          let probabilities = step.probabilities(of: n, among: group.count)
          let levels = max(0, own - window)...min(probabilities.count - 1, own + window)
          var (best, most) = (own, smoothed(probabilities, at: own))
          for level in levels {
            let share = smoothed(probabilities, at: level)
            guard !share.isNaN else { return nil }
            if share > most { (best, most) = (level, share) }
          }
          chosen.append(UInt8(best))
        }
        return chosen
      }
    }
  }

  private func smoothed(_ probabilities: [Double], at level: Int) -> Double {
    var sum = weights[0] * probabilities[level]
    for (distance, weight) in weights.enumerated().dropFirst() {
      if level >= distance { sum += weight * probabilities[level - distance] }
      if level + distance < probabilities.count { sum += weight * probabilities[level + distance] }
    }
    return sum
  }

  // MARK: Along the gradient

  /// As many images at once as a training takes.
  private static let imagesAtOnce = 32

  private func climbed(
    from start: PixelBatch, around images: PixelBatch, progress: (_ images: Double) -> Bool
  ) -> PixelBatch? {
    guard steps > 0 else { return start }
    var symbols: [UInt8] = []
    for first in stride(from: 0, to: images.count, by: Self.imagesAtOnce) {
      let part = first..<min(first + Self.imagesAtOnce, images.count)
      let own = images[part]
      var here = start[part]
      var x = here.symbols.map { Float($0) }
      for step in 0..<steps {
        let length = Float(reach) / 3 * (1 - Float(step) / Float(steps))
        let gradient = model.pixelGradient(of: here, reach: slope, in: context).joined()
        for (i, climb) in gradient.enumerated() {
          let centre = Int(own.symbols[i])
          let (least, most) = (max(0, centre - reach), min(own.levels - 1, centre + reach))
          let move = climb > 0 ? length : climb < 0 ? -length : 0
          x[i] = max(Float(least), min(Float(most), x[i] + move))
        }
        here.symbols = x.map { UInt8($0.rounded()) }
        let done = Double(part.count) * Double(step + 1) / Double(steps)
        guard progress(Double(first) + done) else { return nil }
      }
      // Few steps do not always find a way.
      let (before, after) = (logProbability(of: own), logProbability(of: here))
      for n in 0..<part.count {
        let end = after[n] > before[n] ? here : start[part]
        symbols += end[n..<n + 1].symbols
      }
    }
    var moved = start
    moved.symbols = symbols
    return moved
  }

  private func logProbability(of batch: PixelBatch) -> [Double] {
    model.logProbability(of: batch, in: context)
  }
}
