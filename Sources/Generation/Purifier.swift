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

  public init(_ model: any DensityModel, in context: Context, reach: Int) {
    precondition(reach >= 1, "a sub-pixel moves by a level at least, found \(reach)")
    self.model = model
    self.context = context
    self.reach = reach
  }

  /// - Parameter progress: called now and then, by one thread at a time, with how many sub-pixels are done
  ///   in all; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func purify(
    _ images: PixelBatch, progress: @escaping (_ subpixels: Int) -> Bool = { _ in true }
  ) throws(GenerationError) -> PixelBatch? {
    let (reach, dimension) = (reach, images.dimension)
    var walk = Walk(model: model, context: context, group: model.samplingGroup)
    if let labels = images.labels { walk.label = { labels[$0] } }
    return try walk.run(0..<images.count, progress: progress) { group in
      { step in
        var chosen: [UInt8] = []
        for (n, image) in group.enumerated() {
          let own = Int(images.symbols[image * dimension + step.subpixel])
          let probabilities = step.probabilities(of: n, among: group.count)
          var best = own
          for level in max(0, own - reach)...min(probabilities.count - 1, own + reach) {
            guard !probabilities[level].isNaN else { return nil }
            if probabilities[level] > probabilities[best] { best = level }
          }
          chosen.append(UInt8(best))
        }
        return chosen
      }
    }
  }
}
