import Foundation
import Images
import Models
import Tensors

/// The likelihood of a set of images.
public struct LikelihoodSummary: Sendable {
  /// Negative log-likelihood of each image, nats.
  public let nats: [Double]
  /// What the nats of an image are of: sub-pixels, or one label.
  public let dimension: Int

  public init(nats: [Double], dimension: Int) {
    self.nats = nats
    self.dimension = dimension
  }

  /// Mean over images, nats an image.
  public var natsPerImage: Double { nats.reduce(0, +) / Double(nats.count) }

  /// Standard error of `natsPerImage`, nats: s / √N. NaN for fewer than two images.
  public var standardError: Double {
    guard nats.count > 1 else { return .nan }
    let mean = natsPerImage
    let squares = nats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(nats.count - 1) / Double(nats.count)).squareRoot()
  }

  /// Nats as bits a sub-pixel.
  public func bitsPerDimension(_ nats: Double) -> Double {
    nats / (Double(dimension) * log(2))
  }

  /// Mean over images, bits a sub-pixel.
  public var bitsPerDimension: Double { bitsPerDimension(natsPerImage) }
}

extension LearnedModel {
  /// The log-likelihood of a data set, nats, batch by batch: of images, or of their labels.
  /// - Parameters:
  ///   - pixels: how intensities become symbols; stochastic ones by `seed` and the draw that all
  ///     evaluation uses.
  ///   - size: images at once.
  ///   - progress: called after each batch with the images done; answers whether to go on. Where it
  ///     does not, the summary is of the images done.
  public func likelihood(
    of data: DataSet, pixels: PixelEncoding, seed: UInt64, batch size: Int = 64,
    in context: Context, progress: (Int) -> Bool = { _ in true }
  ) -> LikelihoodSummary {
    likelihood(of: data, pixels, seed, batch: size, progress) {
      logProbability(of: $0, in: context)
    }
  }

  fileprivate func likelihood(
    of data: DataSet, _ pixels: PixelEncoding, _ seed: UInt64, batch size: Int,
    _ progress: (Int) -> Bool, logProbability: (PixelBatch) -> [Double]
  ) -> LikelihoodSummary {
    var nats: [Double] = []
    for start in stride(from: 0, to: data.count, by: size) {
      let batch = pixels.batch(
        of: data, indices: start..<min(start + size, data.count), seed: seed)
      nats += logProbability(batch).map { -$0 }
      guard progress(nats.count) else { break }
    }
    return LikelihoodSummary(nats: nats, dimension: dimension)
  }
}

extension DensityModel {
  /// The same with the probability of each image averaged over several of the orders that the model knows.
  public func likelihood(
    of data: DataSet, pixels: PixelEncoding, seed: UInt64, orders: Int, batch size: Int = 64,
    in context: Context, progress: (Int) -> Bool = { _ in true }
  ) -> LikelihoodSummary {
    likelihood(of: data, pixels, seed, batch: size, progress) {
      logProbability(of: $0, orders: orders, in: context)
    }
  }
}
