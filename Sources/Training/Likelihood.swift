import Foundation
import Images
import Models
import Tensors

/// The likelihood of a set of images.
public struct LikelihoodSummary: Sendable {
  /// Negative log-likelihood of each image, nats.
  public let nats: [Double]
  /// Sub-pixels an image.
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

extension DensityModel {
  /// The likelihood of a data set, nats, batch by batch.
  /// - Parameters:
  ///   - pixels: how intensities become symbols; stochastic ones by `seed` and the draw that all
  ///     evaluation uses.
  ///   - orders: over how many of the orders that the model knows each probability is averaged.
  ///   - size: images at once.
  ///   - progress: called after each batch with the images done; answers whether to go on. Where it
  ///     does not, the summary is of the images done.
  public func likelihood(
    of data: DataSet, pixels: PixelEncoding, seed: UInt64, orders: Int = 1, batch size: Int = 64,
    in context: Context, progress: (Int) -> Bool = { _ in true }
  ) -> LikelihoodSummary {
    var nats: [Double] = []
    for start in stride(from: 0, to: data.count, by: size) {
      let batch = pixels.batch(
        of: data, indices: start..<min(start + size, data.count), seed: seed)
      nats += logProbability(of: batch, orders: orders, in: context).map { -$0 }
      guard progress(nats.count) else { break }
    }
    return LikelihoodSummary(nats: nats, dimension: data.dimension)
  }
}
