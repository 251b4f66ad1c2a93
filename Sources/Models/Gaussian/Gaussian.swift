import Foundation
import Gaussians
import Heads
import Images
import Layers
import Tensors

/// Probabilistic principal components (Tipping and Bishop 1999, doi:10.1111/1467-9868.00196): an image is
/// R hidden numbers and noise,
///
///     x = m + W z + s ε,   z ~ N(0, 1_R),   ε ~ N(0, 1_D),   x_i in 0…1
///
/// so that x ~ N(m, W Wᵀ + s² 1). Its conditionals are normal. With a and P the mean and the covariance of
/// z given the sub-pixels before i, and w_i row i of W,
///
///     p(x_i | x_<i) = N(m_i + w_i·a, w_iᵀ P w_i + s²),
///
/// after which x_i moves them (Kalman 1960, doi:10.1115/1.3662552): a by the gain k_i = P w_i / variance
/// times what was not expected, P by −k_i w_iᵀ P. P is the same for all images: the gains are the rows of
/// the covariance's Cholesky factor, made once in O(D R²), and an image costs O(D R).
///
/// Levels have the normal distribution's share of their bins, so this is a density of images like any
/// other. The likeliest W and s are known in closed form: no step is taken.
///
/// Where we depart from the paper: R is the number of directions, up to `directions`, that does best on
/// the validation images.
public struct Gaussian: DensityModel, ClosedForm {
  public let image: ImageShape
  public let head: Head
  let mean: Parameter  // [D]
  let loadings: Parameter  // [D, R]
  let logNoise: Parameter  // [1], ln s
  /// What each class adds to the mean.
  let classes: ClassBias?  // [classes, D]
  /// A product with the gain and one with the loadings, each sub-pixel.
  public var multiplyAdds: Int { 2 * loadings.count }

  static let directions = Setting(
    "directions", .count, default: "150", "R, at most: directions in which images differ")

  static let family = ModelFamily(
    name: "gaussian", summary: "probabilistic principal components, fitted in closed form",
    settings: [directions], batch: 1 << 20, learningRate: 1, ownHead: .normal, isClosedForm: true,
    make: { specification, _, scope in
      Gaussian(
        specification.image, specification.head,
        directions: try specification.count(directions), at: scope)
    })

  init(_ image: ImageShape, _ head: Head, directions: Int, at scope: Scope) {
    self.image = image
    self.head = head
    let d = image.dimension
    let r = min(directions, d)
    mean = scope.parameter("mean", [d], .zeros, decays: false)
    loadings = scope.parameter(
      "loadings", [d, r], .uniform(bound: 1 / Double(r).squareRoot()), decays: true)
    logNoise = scope.parameter("log_noise", [1], .zeros, decays: false)
    classes = ClassBias(d, at: scope / "mean")
  }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    check(batch, context)
    let factor = context.prepared.form("factor", of: loadings) {
      GaussianFactor(mean: mean.value, loadings: loadings.value, logNoise: logNoise.value)
    }
    let shift = classes.map { ($0.weight.value.values, $0.checked(batch.labels)) }
    return distribution(
      context.gaussian(context.unitIntensities(batch), factor, of: loadings) { image, subpixel in
        shift.map { $0[$1[image] * self.image.dimension + subpixel] } ?? 0
      })
  }

  public let mostFitted = 25_000_000
  // Its rows, and three copies of them in double precision.
  public let fitBytes = 28

  public func fit(_ images: PixelBatch, validation: PixelBatch?) {
    let (training, others) = centred(Rows(images), validation.map(Rows.init))
    let gaussian = LowRankGaussian(
      fitting: training.values, count: training.count, rank: loadings.shape[1])
    // Where there is nothing to choose by, a direction for each four images.
    let rank =
      others.map { gaussian.likeliestRank(of: $0.values) }
      ?? min(gaussian.rank, images.count / 4)
    let noise = gaussian.noise(ofRank: rank)
    // A level is a number rounded to its bin, which adds a twelfth of the bin squared.
    let least = 1 / (12 * Double(head.levels - 1) * Double(head.levels - 1))
    let variance = max(noise, least)
    mean.value.write(gaussian.mean.map(Double.init))
    logNoise.value.write([log(variance) / 2])
    let r = loadings.shape[1]
    var weights = [Double](repeating: 0, count: loadings.count)
    for direction in 0..<rank {
      let size = max(0, gaussian.variances[direction] - variance).squareRoot()
      for i in 0..<image.dimension {
        weights[i * r + direction] =
          size * Double(gaussian.directions[direction * image.dimension + i])
      }
    }
    loadings.value.write(weights)
  }

  /// Sets what each class adds to the mean, and takes that from its images: what differs between classes
  /// is no direction in which images of one differ.
  private func centred(_ training: Rows, _ validation: Rows?) -> (Rows, Rows?) {
    guard let classes, let labels = training.labels else { return (training, validation) }
    let (d, number) = (image.dimension, classes.weight.shape[0])
    var sums = [Double](repeating: 0, count: number * d)
    var counts = [Double](repeating: 0, count: number)
    for (n, label) in labels.enumerated() {
      counts[label] += 1
      for i in 0..<d { sums[label * d + i] += Double(training.values[n * d + i]) }
    }
    let mean = (0..<d).map { i in
      (0..<number).reduce(0) { $0 + sums[$1 * d + i] } / Double(training.count)
    }
    // A class of no image is like all.
    for place in sums.indices where counts[place / d] > 0 {
      sums[place] = sums[place] / counts[place / d] - mean[place % d]
    }
    classes.weight.value.write(sums)
    func without(_ rows: Rows) -> Rows {
      let labels = classes.checked(rows.labels)
      var rows = rows
      for place in rows.values.indices {
        rows.values[place] -= Float(sums[labels[place / d] * d + place % d])
      }
      return rows
    }
    return (without(training), validation.map(without))
  }

  /// Images as intensities 0…1, a row each.
  private struct Rows {
    /// `[count, D]`
    var values: [Float]
    let count: Int
    let labels: [Int]?

    init(_ batch: PixelBatch) {
      let scale = 1 / Float(batch.levels - 1)
      values = batch.symbols.map { Float($0) * scale }
      (count, labels) = (batch.count, batch.labels)
    }
  }
}
