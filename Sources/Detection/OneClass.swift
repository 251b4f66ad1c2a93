import Foundation

/// What the scores of normal images are like together: how odd a vector of scores is, as one number.
///
/// Each score becomes a normal number by its place in the tails of the normal images'; those of normal
/// images have a mean and a covariance, of which an image's Mahalanobis distance is taken: a Gaussian
/// copula. Two scores that always go together count once, and an image whose scores are ordinary one by
/// one but do not go together is odd. Where normal images are too few for a covariance, the depths in the
/// tails are added up.
package struct OneClass: Sendable {
  /// Normal images from which on there is a covariance.
  package static let fewest = 60

  private let tails: [Tails]
  private let sides: [Tail]
  private let mean: [Double]
  /// Of the covariance, row by row; nil where images are few.
  private let inverse: [Double]?

  /// - Parameters:
  ///   - vectors: the scores of normal images, a row an image.
  ///   - sides: which values of each score count.
  package init(fitting vectors: [[Double]], _ sides: [Tail]) {
    let tails = sides.indices.map { score in Tails(of: vectors.map { $0[score] }) }
    self.tails = tails
    self.sides = sides
    let d = sides.count
    guard vectors.count >= Self.fewest else {
      mean = [Double](repeating: 0, count: d)
      inverse = nil
      return
    }
    let scores = vectors.map { vector in
      (0..<d).map { tails[$0].normalScore(of: vector[$0], sides[$0]) }
    }
    let mean = (0..<d).map { j in
      scores.reduce(0) { $0 + $1[j] } / Double(scores.count)
    }
    self.mean = mean
    var covariance = [Double](repeating: 0, count: d * d)
    for z in scores {
      for i in 0..<d {
        for j in 0..<d { covariance[i * d + j] += (z[i] - mean[i]) * (z[j] - mean[j]) }
      }
    }
    for i in 0..<d {
      for j in 0..<d {
        covariance[i * d + j] /= Double(scores.count - 1)
        // Towards its diagonal; a score that never varies still has a little to vary by.
        covariance[i * d + j] = i == j ? covariance[i * d + i] + 1e-3 : 0.95 * covariance[i * d + j]
      }
    }
    inverse = inverted(covariance, side: d)
  }

  /// Each score as the normal number that lies as far out, and what it adds to how odd the image is, of
  /// which `oddness` is the sum.
  package func parts(of vector: [Double]) -> [(normalScore: Double, share: Double)] {
    let d = sides.count
    precondition(vector.count == d, "expected \(d) scores, found \(vector.count)")
    let z = (0..<d).map { tails[$0].normalScore(of: vector[$0], sides[$0]) }
    guard let inverse else {
      return (0..<d).map { i in
        (z[i], max(0, min(1e4, tails[i].oddness(of: vector[i], sides[i])) - M_LN2))
      }
    }
    let centred = zip(z, mean).map { $0 - $1 }
    return (0..<d).map { i in
      (z[i], centred[i] * (0..<d).reduce(0) { $0 + inverse[i * d + $1] * centred[$1] })
    }
  }

  /// Higher is odder; 0 or more.
  package func oddness(of vector: [Double]) -> Double {
    parts(of: vector).reduce(0) { $0 + $1.share }
  }
}

/// The inverse of a symmetric matrix with positive eigenvalues, by elimination.
private func inverted(_ matrix: [Double], side d: Int) -> [Double] {
  var a = matrix
  var b = [Double](repeating: 0, count: d * d)
  for i in 0..<d { b[i * d + i] = 1 }
  for pivot in 0..<d {
    let scale = 1 / a[pivot * d + pivot]
    for j in 0..<d {
      a[pivot * d + j] *= scale
      b[pivot * d + j] *= scale
    }
    for i in 0..<d where i != pivot {
      let factor = a[i * d + pivot]
      for j in 0..<d {
        a[i * d + j] -= factor * a[pivot * d + j]
        b[i * d + j] -= factor * b[pivot * d + j]
      }
    }
  }
  return b
}
