import Foundation
import Heads
import Images
import Models
import Tensors

/// Looks for the most probable images: of all beginnings, only the `width` most probable are carried
/// on from one sub-pixel to the next, each with a copy of what the model remembers of it.
///
/// The greedy image is always among them, so what is found is never less probable than that one. A width of
/// 1 is greedy; one of all beginnings there are would be exact. It costs about as much as
/// drawing `width` images.
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
  /// The class of all images, of a model that is told it; nil: none is told.
  public let label: Int?

  public init(_ model: any DensityModel, in context: Context, width: Int, label: Int? = nil) {
    precondition(width > 0, "a beam has at least one image, found \(width)")
    self.model = model
    self.context = context
    self.width = width
    self.label = label
  }

  /// - Parameter progress: called before each step with how many sub-pixels are done; answers whether to
  ///   go on.
  /// - Returns: at most `width` images; nil where it was stopped.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers.
  public func run(progress: (_ subpixels: Int) -> Bool = { _ in true })
    throws(GenerationError) -> Result?
  {
    var memory = model.memory(images: 1, labels: label.map { [$0] })
    var beam = [Beginning(symbols: [], logProbability: 0, image: 0)]
    let each = model.subpixelsAStep
    for first in stride(from: 0, to: model.image.dimension, by: each) {
      guard progress(first) else { return nil }
      let latest = beam.flatMap { $0.symbols.suffix(first == 0 ? 0 : each) }
      let conditionals = model.next(after: latest, in: context.remembering(memory))
      for i in beam.indices { beam[i].image = i }
      for channel in 0..<each {
        beam = try best(of: beam, conditionals, channel, at: first + channel)
      }
      memory = memory.copy(of: beam.map(\.image))
    }
    let images = PixelBatch(
      count: beam.count, height: model.image.height, width: model.image.width,
      channels: model.image.channels, levels: model.head.levels,
      symbols: beam.flatMap(\.symbols),
      labels: label.map { Array(repeating: $0, count: beam.count) })
    return Result(images: images, logProbabilities: beam.map(\.logProbability))
  }

  /// The most probable of all continuations by one sub-pixel.
  private func best(
    of beam: [Beginning], _ conditionals: any PixelDistribution, _ channel: Int, at subpixel: Int
  ) throws(GenerationError) -> [Beginning] {
    var candidates: [Candidate] = []
    for (parent, beginning) in beam.enumerated() {
      let probabilities = conditionals.probabilities(
        image: beginning.image, subpixel: channel, given: beginning.symbols.suffix(channel))
      guard probabilities.allSatisfy(\.isFinite) else { throw .notANumber(subpixel: subpixel) }
      for (level, p) in probabilities.enumerated() {
        candidates.append(
          Candidate(
            parent: parent, level: level, logProbability: beginning.logProbability + log(p)))
      }
    }
    let sorted = candidates.sorted()
    var kept = Array(sorted.prefix(width))
    // The greedy one stays, even where as many others are more probable so far.
    let greedy = sorted.firstIndex { beam[$0.parent].isGreedy }!
    if greedy >= kept.count { kept[kept.count - 1] = sorted[greedy] }
    return kept.map { candidate in
      var next = beam[candidate.parent]
      next.isGreedy = next.isGreedy && candidate == sorted[greedy]
      next.symbols.append(UInt8(candidate.level))
      next.logProbability = candidate.logProbability
      return next
    }
  }

  /// The beginning of an image, and which of the remembered images it belongs to.
  private struct Beginning {
    var symbols: [UInt8]
    var logProbability: Double
    var image: Int
    /// Whether each of its sub-pixels is the most probable.
    var isGreedy = true
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
