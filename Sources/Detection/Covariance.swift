import Foundation
import Gaussians

/// The mean and the covariance of rows.
struct Sample {
  var mean: [Double]
  var covariance: Covariance

  init(of x: Rows) {
    let (n, d) = (x.count, x.columns)
    mean = [Double](repeating: 0, count: d)
    for (index, value) in x.values.enumerated() { mean[index % d] += value / Double(n) }
    var centred = x
    for index in centred.values.indices { centred.values[index] -= mean[index % d] }
    let columns = centred.transposed
    covariance = Covariance(
      side: d, values: columns.products(with: columns).values.map { $0 / Double(max(1, n - 1)) })
  }
}

struct Covariance {
  let side: Int
  /// Row by row.
  var values: [Double]

  /// Towards its diagonal; a number that never varies still has a little to vary by.
  var shrunk: Covariance {
    var shrunk = self
    for i in 0..<side {
      for j in 0..<side {
        if i == j {
          shrunk.values[i * side + i] += 1e-3
        } else {
          shrunk.values[i * side + j] *= 0.95
        }
      }
    }
    return shrunk
  }

  /// L with L Lᵀ the covariance, lower triangular (Cholesky).
  private var root: [Double] {
    var l = [Double](repeating: 0, count: side * side)
    for i in 0..<side {
      for j in 0...i {
        var sum = values[i * side + j]
        for k in 0..<j { sum -= l[i * side + k] * l[j * side + k] }
        l[i * side + j] = i == j ? max(sum, 1e-12).squareRoot() : sum / l[j * side + j]
      }
    }
    return l
  }

  /// L⁻¹, and ln det of the covariance.
  var whitening: (rows: Rows, logDeterminant: Double) {
    let l = root
    var inverse = [Double](repeating: 0, count: side * side)
    for j in 0..<side {
      inverse[j * side + j] = 1 / l[j * side + j]
      for i in (j + 1)..<max(j + 1, side) {
        var sum = 0.0
        for k in j..<i { sum -= l[i * side + k] * inverse[k * side + j] }
        inverse[i * side + j] = sum / l[i * side + i]
      }
    }
    let logDeterminant = (0..<side).reduce(0) { $0 + 2 * log(l[$1 * side + $1]) }
    return (Rows(count: side, columns: side, values: inverse), logDeterminant)
  }
}
