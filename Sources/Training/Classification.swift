import Foundation
import Heads
import Images
import Models
import Tensors

/// How well the classes of images are told by a density of each, p(y | x) ∝ p(x | y) p(y).
public struct ClassificationSummary: Sendable {
  /// log p(x, y) of each image and class, nats.
  public let logJoint: [[Double]]
  /// The class of each image.
  public let labels: [Int]
  /// Sub-pixels an image.
  public let dimension: Int

  public init(logJoint: [[Double]], labels: [Int], dimension: Int) {
    precondition(
      logJoint.count == labels.count, "\(labels.count) labels of \(logJoint.count) images")
    self.logJoint = logJoint
    self.labels = labels
    self.dimension = dimension
  }

  /// A mean over images with its standard error, NaN for fewer than two.
  public struct Mean: Sendable {
    public let value: Double
    public let standardError: Double

    init(_ values: [Double]) {
      let summary = LikelihoodSummary(nats: values, dimension: 1)
      (value, standardError) = (summary.natsPerImage, summary.standardError)
    }
  }

  /// p(y | x) of each class.
  public func posterior(of image: Int) -> [Double] {
    let total = logSumExp(logJoint[image])
    return logJoint[image].map { exp($0 - total) }
  }

  /// The most probable class of each image; the lowest of equals.
  public var predictions: [Int] {
    logJoint.map { joint in joint.firstIndex(of: joint.max()!)! }
  }

  /// Share of images whose most probable class is their own.
  public var accuracy: Mean {
    Mean(zip(predictions, labels).map { $0 == $1 ? 1 : 0 })
  }

  /// −log p(y | x), nats.
  public var logLoss: Mean {
    Mean(labels.indices.map { logSumExp(logJoint[$0]) - logJoint[$0][labels[$0]] })
  }

  /// Expected calibration error (Guo et al. 2017, arXiv:1706.04599, equation 3): images in 15 bins of
  /// equal width by the probability of the most probable class, the mean of |share that are right − mean
  /// probability|, weighted by images.
  public var calibrationError: Double {
    let bins = 15
    var gaps = [Double](repeating: 0, count: bins)
    for (image, prediction) in predictions.enumerated() {
      let p = posterior(of: image)[prediction]
      gaps[min(bins - 1, Int(p * Double(bins)))] += (prediction == labels[image] ? 1 : 0) - p
    }
    return gaps.reduce(0) { $0 + abs($1) } / Double(labels.count)
  }

  /// −log p(x | y) of images whose class is told.
  public func natsGivenClass(logPrior: [Double]) -> LikelihoodSummary {
    LikelihoodSummary(
      nats: labels.indices.map { logPrior[labels[$0]] - logJoint[$0][labels[$0]] },
      dimension: dimension)
  }

  /// −log p(x), the class unknown.
  public var likelihood: LikelihoodSummary {
    LikelihoodSummary(nats: logJoint.map { -logSumExp($0) }, dimension: dimension)
  }
}

extension ClassMixture {
  /// How well it tells the classes of a data set with labels, batch by batch.
  /// - Parameters:
  ///   - pixels: how intensities become symbols, stochastic ones by `seed`.
  ///   - progress: called after each batch with the images done; answers whether to go on. Where it does
  ///     not, the summary is of the images done.
  public func classification(
    of data: DataSet, pixels: PixelEncoding, seed: UInt64, in context: Context,
    progress: (Int) -> Bool = { _ in true }
  ) -> ClassificationSummary {
    precondition(data.labels != nil, "images without labels have no classes to be told")
    var joint: [[Double]] = []
    let size = model.inferenceBatch
    for start in stride(from: 0, to: data.count, by: size) {
      let batch = pixels.batch(
        of: data, indices: start..<min(start + size, data.count), seed: seed)
      joint += logJoint(of: batch, in: context)
      guard progress(joint.count) else { break }
    }
    return ClassificationSummary(
      logJoint: joint, labels: Array(data.labels!.prefix(joint.count)), dimension: data.dimension)
  }
}
