import CKernels

/// Some lower triangles L beside their means m, each D × D, and how long L (x − m) is for a vector x: with
/// L⁻¹ of Cholesky, Mahalanobis's distance.
package struct Triangles: Sendable {
  package let count: Int
  private let dimension: Int
  private let means: [Double]
  /// In the kernel's order (rows.h).
  private let values: [Double]

  /// - Parameters:
  ///   - means: D numbers each, at least one.
  ///   - lower: as many matrices, `[D, D]`; what is above their diagonals is not looked at.
  package init(means: [[Double]], lower: [Rows]) {
    let d = means[0].count
    precondition(
      means.count == lower.count && means.allSatisfy { $0.count == d }
        && lower.allSatisfy { $0.count == d && $0.columns == d },
      "expected a matrix of \(d) by \(d) numbers for each of \(means.count) means")
    (count, dimension, self.means) = (means.count, d, means.flatMap { $0 })
    var values: [Double] = []
    for lower in lower {
      for block in stride(from: 0, to: d, by: SL_TRIANGLE_ROWS) {
        for j in 0..<min(d, block + SL_TRIANGLE_ROWS) {
          for i in block..<block + SL_TRIANGLE_ROWS {
            values.append(i < d && j <= i ? lower.values[i * d + j] : 0)
          }
        }
      }
    }
    self.values = values
  }

  /// `[count, rows of x]`; of a row the same bits, alone or among others.
  package func squaredLengths(of x: Rows) -> Rows {
    precondition(x.columns == dimension, "rows of \(x.columns) numbers, expected \(dimension)")
    var lengths = [Double](repeating: 0, count: count * x.count)
    sl_squared_lengths(means, values, count, dimension, x.values, x.count, &lengths)
    return Rows(count: count, columns: x.count, values: lengths)
  }
}
