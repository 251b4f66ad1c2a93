import Foundation
import Images
import Models
import Tensors

/// Moves images toward what a density holds likely, each sub-pixel by a little at most: PixelDefend (Song
/// et al. 2018, arXiv:1710.10766, algorithm 1).
///
///     x′_i = argmax p(z | x′_1, …, x′_(i − 1)) over z with |z − x_i| ≤ ε
///
/// Greedy, in the order in which the model tells sub-pixels, and each in the light of those that have been
/// moved: what many copies of the algorithm leave out. Where two levels are as likely the image's own
/// stays.
///
/// Where we depart from the paper: p is smoothed over neighbouring levels first, by a normal density. The
/// paper's mixture of logistics is smooth by itself, but a softmax over 256 levels has spikes where a level
/// is frequent by chance, and the likeliest of a window was one of these too often.
///
/// ```swift
/// let purified = try Purifier(model, in: context, reach: 8).purify(batch)
/// ```
///
/// It costs what drawing as many images costs.
public struct Purifier {
  public let model: any DensityModel
  public let context: Context
  /// ε: the most that a sub-pixel moves, levels.
  public let reach: Int
  /// Weights of levels by how far they are: of a normal density, up to two deviations.
  private let weights: [Double]

  /// The deviation of the density that p is smoothed by, intensities of 0…255.
  public static let smoothing = 6.0

  /// - Parameter smoothing: of the scale of 255, whatever the levels; 0: as in the paper.
  public init(
    _ model: any DensityModel, in context: Context, reach: Int, smoothing: Double = Self.smoothing
  ) {
    precondition(reach >= 1, "a sub-pixel moves by a level at least, found \(reach)")
    self.model = model
    self.context = context
    self.reach = reach
    let deviation = smoothing * Double(model.head.levels - 1) / 255
    weights = (0...Int(2 * deviation)).map { distance in
      deviation > 0 ? exp(-pow(Double(distance) / deviation, 2) / 2) : 1
    }
  }

  /// - Parameter progress: called now and then, by one thread at a time, with how many sub-pixels are done
  ///   in all; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func purify(
    _ images: PixelBatch, progress: @escaping (_ subpixels: Int) -> Bool = { _ in true }
  ) throws(GenerationError) -> PixelBatch? {
    let dimension = images.dimension
    var walk = Walk(model: model, context: context, group: model.samplingGroup)
    if let labels = images.labels { walk.label = { labels[$0] } }
    return try walk.run(0..<images.count, progress: progress) { group in
      { step in
        var chosen: [UInt8] = []
        for (n, image) in group.enumerated() {
          let own = Int(images.symbols[image * dimension + step.subpixel])
          let probabilities = step.probabilities(of: n, among: group.count)
          let levels = max(0, own - reach)...min(probabilities.count - 1, own + reach)
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
}
