import Distributions
import Foundation
import Images
import Models
import Tensors

/// Looks for the most probable images: of all beginnings, only the `width` most probable are carried
/// on from one sub-pixel to the next.
///
/// A width of 1 is greedy; one of all beginnings there are would be exact. It costs a whole pass of the
/// model over `width` images for each sub-pixel.
public struct BeamSearch {
  /// What the search ends with, the most probable first.
  public struct Result: Sendable {
    public let images: PixelBatch
    /// log p of each, nats.
    public let logProbabilities: [Double]
  }

  public let model: any DensityModel
  public let context: Context
  public let width: Int

  public init(_ model: any DensityModel, in context: Context, width: Int) {
    precondition(width > 0, "a beam has at least one image, found \(width)")
    self.model = model
    self.context = context
    self.width = width
  }

  /// - Parameter progress: called before each sub-pixel with how many are done; answers whether to go
  ///   on.
  /// - Returns: at most `width` images; nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func run(progress: (_ subpixels: Int) -> Bool = { _ in true })
    throws(GenerationError) -> Result?
  {
    let dimension = model.image.dimension
    var beam = model.image.blank(count: 1, levels: model.head.levels)
    var logProbabilities = [0.0]
    for i in 0..<dimension {
      guard progress(i) else { return nil }
      let conditionals = model.conditionals(beam, in: context)
      for n in 0..<beam.count { try conditionals.check(image: n, subpixel: i, at: i) }
      let best = (0..<beam.count).flatMap { n in
        conditionals.probabilities(image: n, subpixel: i).enumerated().map { level, p in
          Candidate(parent: n, level: level, logProbability: logProbabilities[n] + log(p))
        }
      }.sorted().prefix(width)
      var next = model.image.blank(count: best.count, levels: model.head.levels)
      for (n, candidate) in best.enumerated() {
        let parent = candidate.parent * dimension
        next.symbols.replaceSubrange(
          n * dimension..<n * dimension + i, with: beam.symbols[parent..<parent + i])
        next.symbols[n * dimension + i] = UInt8(candidate.level)
      }
      beam = next
      logProbabilities = best.map(\.logProbability)
    }
    return Result(images: beam, logProbabilities: logProbabilities)
  }

  /// A beginning and the level that would come next.
  private struct Candidate: Comparable {
    let parent: Int
    let level: Int
    let logProbability: Double

    /// The most probable come first; of equals the lowest level of the better beginning.
    static func < (a: Candidate, b: Candidate) -> Bool {
      (b.logProbability, a.parent, a.level) < (a.logProbability, b.parent, b.level)
    }
  }
}
