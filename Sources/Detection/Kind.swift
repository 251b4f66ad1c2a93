import Foundation
import Gaussians

/// A mean and a covariance of vectors, and their share of them.
struct Kind: Sendable {
  let mean: [Double]
  /// L⁻¹ of the covariance L Lᵀ, row by row.
  let whitening: Rows
  /// ln of the share of vectors in it less half of ln det of its covariance.
  let height: Double
  let share: Double

  init(_ mean: [Double], _ covariance: Covariance, share: Double) {
    let (whitening, logDeterminant) = covariance.whitening
    self.mean = mean
    self.whitening = whitening
    height = log(share) - logDeterminant / 2
    self.share = share
  }

  /// The likeliest of weighted rows, its covariance towards that of the whole.
  init(
    of x: Rows, _ transposed: Rows, weights: [Double], _ whole: Sample, prior: Double
  ) {
    let (n, d) = (x.count, x.columns)
    let weight = weights.reduce(0, +)
    let sums = transposed.products(with: Rows(count: 1, columns: n, values: weights)).values
    let mean = sums.map { $0 / max(weight, 1e-9) }
    var weighted = transposed
    for j in 0..<d { for i in 0..<n { weighted.values[j * n + i] *= weights[i] } }
    var covariance = weighted.products(with: transposed).values
    let shrunk = whole.covariance.shrunk.values
    for i in 0..<d {
      for j in 0..<d {
        let own = covariance[i * d + j] - weight * mean[i] * mean[j]
        covariance[i * d + j] = (own + prior * shrunk[i * d + j]) / (weight + prior)
      }
    }
    self.init(
      mean, Covariance(side: d, values: covariance), share: max(weight, 1e-9) / Double(n))
  }

  /// Mahalanobis's squared distance of each row.
  func distances(of x: Rows) -> [Double] {
    let d = mean.count
    let white = x.products(with: whitening).values
    let centre = whitened(mean)
    return (0..<x.count).map { row in
      (0..<d).reduce(0) { sum, j in
        let difference = white[row * d + j] - centre[j]
        return sum + difference * difference
      }
    }
  }

  var isFinite: Bool { mean.allSatisfy(\.isFinite) && whitening.values.allSatisfy(\.isFinite) }

  /// L⁻¹ v
  func whitened(_ vector: [Double]) -> [Double] {
    let d = mean.count
    return (0..<d).map { i in
      (0...i).reduce(0) { $0 + whitening.values[i * d + $1] * vector[$1] }
    }
  }
}

extension Kind: Codable {
  private enum CodingKeys: CodingKey { case mean, whitening, height, share }

  /// Of the whitening, which is lower triangular, what is not zero, row by row.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(mean, forKey: .mean)
    let d = mean.count
    try fields.encode(
      (0..<d).flatMap { whitening.values[$0 * d...$0 * d + $0] }, forKey: .whitening)
    try fields.encode(height, forKey: .height)
    try fields.encode(share, forKey: .share)
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    mean = try fields.decode([Double].self, forKey: .mean)
    let lower = try fields.decode([Double].self, forKey: .whitening)
    let d = mean.count
    guard d > 0, lower.count == d * (d + 1) / 2 else {
      throw DecodingError.dataCorruptedError(
        forKey: .whitening, in: fields,
        debugDescription: "expected \(d * (d + 1) / 2) numbers, found \(lower.count)")
    }
    var values = [Double](repeating: 0, count: d * d)
    for i in 0..<d { for j in 0...i { values[i * d + j] = lower[i * (i + 1) / 2 + j] } }
    whitening = Rows(count: d, columns: d, values: values)
    height = try fields.decode(Double.self, forKey: .height)
    share = try fields.decode(Double.self, forKey: .share)
  }
}
