import Foundation
import Gaussians
import Images
import Training

extension TrainedModel {
  /// The calibration of the run, nil where it has none.
  ///
  /// Throws where the file is damaged, or was made with other weights: by another run, or before
  /// this one was trained on, or in another precision. Its ranks would mean nothing.
  public func calibration() throws(DetectionError) -> Calibration? {
    let path = run.calibrationFile
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let calibration = try Calibration(contentsOf: path)
    guard calibration.weights == weightsFingerprint else { throw .otherWeights(path: path) }
    let precision = context.precision.rawValue
    guard calibration.precision == precision else {
      throw .otherPrecision(path: path, expected: precision, found: calibration.precision)
    }
    return calibration
  }

  /// The Gaussian density of the run's training images, nil where it has none. Throws a `FileError` where
  /// the file is damaged.
  public func gaussian() throws -> LowRankGaussian? {
    guard FileManager.default.fileExists(atPath: run.gaussianFile) else { return nil }
    return try LowRankGaussian(
      contentsOf: run.gaussianFile, dimension: configuration.model.image.dimension)
  }

  /// A Gaussian density of training images as the model sees them: of at most 2 000, drawn by the run's
  /// seed. Nil for images too large or too few to be worth it.
  public func gaussian(of training: DataSet) -> LowRankGaussian? {
    let dimension = training.dimension
    guard dimension <= 64 * 64 * 3, training.count >= 10 else { return nil }
    let chosen = EpochOrder.indices(count: training.count, seed: configuration.seed, epoch: 0)
      .prefix(2_000).sorted()
    let batch = batch(of: training, chosen)
    let rows = chosen.indices.flatMap { place in
      configuration.pixels.image(from: batch, at: place).pixels.map(Float.init)
    }
    return LowRankGaussian(
      fitting: rows, count: chosen.count, rank: min(150, chosen.count / 2, dimension / 4))
  }
}
