import Randomness

/// The largest eigenvalues, descending, of a symmetric matrix without negative ones, and their
/// orthonormal eigenvectors, a row each.
struct Eigenpairs {
  var values: [Double]
  var vectors: Rows

  /// All of them, by rotations (Jacobi 1846; Golub and Van Loan 2013, section 8.5). O(n³) with a large
  /// factor: for matrices of some hundred rows.
  init(of matrix: Rows) {
    let n = matrix.count
    var a = matrix.values
    var v = [Double](repeating: 0, count: n * n)
    for i in 0..<n { v[i * n + i] = 1 }
    let scale = a.reduce(0) { max($0, abs($1)) }
    a.withUnsafeMutableBufferPointer { a in
      v.withUnsafeMutableBufferPointer { v in
        for _ in 0..<60 {
          var rotated = false
          for p in 0..<max(0, n - 1) {
            for q in p + 1..<n where abs(a[p * n + q]) > 1e-15 * scale {
              rotated = true
              Self.rotate(a, v, n, p, q)
            }
          }
          if !rotated { break }
        }
      }
    }
    let order = (0..<n).sorted { a[$0 * n + $0] > a[$1 * n + $1] }
    values = order.map { a[$0 * n + $0] }
    vectors = Rows(count: n, columns: n, values: order.flatMap { v[$0 * n..<($0 + 1) * n] })
  }

  /// Turns rows and columns p and q of the matrix so that their common element is zero, and the rows of
  /// the vectors with them.
  private static func rotate(
    _ a: UnsafeMutableBufferPointer<Double>, _ v: UnsafeMutableBufferPointer<Double>, _ n: Int,
    _ p: Int, _ q: Int
  ) {
    let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
    let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
    let c = 1 / (t * t + 1).squareRoot()
    let s = t * c
    for matrix in [a, v] {
      for i in 0..<n {
        let (x, y) = (matrix[p * n + i], matrix[q * n + i])
        matrix[p * n + i] = c * x - s * y
        matrix[q * n + i] = s * x + c * y
      }
    }
    for i in 0..<n {
      let (x, y) = (a[i * n + p], a[i * n + q])
      a[i * n + p] = c * x - s * y
      a[i * n + q] = s * x + c * y
    }
  }

  /// The `count` largest, by powers of the matrix on a block of vectors (subspace iteration with
  /// Rayleigh and Ritz's projection; Golub and Van Loan 2013, section 8.2.4), to 10⁻⁶ of each value.
  /// O(n²) a vector and power.
  init(largest count: Int, of matrix: Rows) {
    let n = matrix.count
    let block = min(n, count + max(10, count / 3))
    var stream = RandomStream(seed: 0, "eigenpairs")
    var vectors = Rows(
      count: block, columns: n, values: (0..<block * n).map { _ in stream.uniform() - 0.5 })
    vectors.orthonormalise()
    var values = [Double](repeating: .infinity, count: block)
    for _ in 0..<12 {
      for _ in 0..<(block == n ? 1 : 4) {
        vectors = vectors.products(with: matrix)
        vectors.orthonormalise()
      }
      let small = Eigenpairs(of: vectors.products(with: matrix).products(with: vectors))
      vectors = small.vectors.products(with: vectors.transposed)
      let moved = zip(values, small.values).prefix(count).contains { old, new in
        !(abs(old - new) <= 1e-6 * abs(new) + 1e-12 * abs(small.values[0]))
      }
      values = small.values
      if !moved || block == n { break }
    }
    self.values = Array(values.prefix(count))
    self.vectors = Rows(
      count: count, columns: n, values: Array(vectors.values.prefix(count * n)))
  }
}
