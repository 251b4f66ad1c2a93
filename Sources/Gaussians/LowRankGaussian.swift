import Foundation

/// A Gaussian density over vectors of D numbers whose covariance is R directions and the same noise in
/// all others (probabilistic principal components; Tipping and Bishop 1999,
/// doi:10.1111/1467-9868.00196):
///
///     C = U diag(l) Uᵀ + s² (1 − U Uᵀ)
///
/// with the R largest eigenvalues l of the sample's covariance, their eigenvectors U, and s² the mean of
/// the other eigenvalues: the likeliest such density, in closed form.
///
/// ```swift
/// let gaussian = LowRankGaussian(fitting: rows, count: 2_000, rank: 150)
/// gaussian.statistics(of: image).negativeLogDensity  // nats
/// ```
public struct LowRankGaussian: Codable, Equatable, Sendable {
  /// `[D]`.
  public let mean: [Float]
  /// U, orthonormal rows, `[R, D]`, that of the largest variance first.
  public let directions: [Float]
  /// l, the variance along each direction, descending.
  public let variances: [Double]
  /// s², the variance along any other; above zero.
  public let noise: Double
  /// Σ l over the whole variance of the sample, 0 … 1.
  public let explainedShare: Double

  /// D.
  public var dimension: Int { mean.count }
  /// R.
  public var rank: Int { variances.count }

  /// A density of given parts.
  package init(
    mean: [Float], directions: [Float], variances: [Double], noise: Double, explainedShare: Double
  ) {
    precondition(
      directions.count == mean.count * variances.count,
      "\(variances.count) directions of \(mean.count) numbers are not \(directions.count)")
    (self.mean, self.directions, self.variances) = (mean, directions, variances)
    (self.noise, self.explainedShare) = (noise, explainedShare)
  }

  /// The density of rows `[N, D]`, at least one. The rank is lowered to what so many rows and numbers can
  /// have.
  ///
  /// O(min(N, D)² · max(N, D)) operations; beside the rows, memory for three copies of them in double
  /// precision and a matrix of min(N, D)².
  public init(fitting rows: [Float], count: Int, rank: Int) {
    precondition(
      count > 0 && rows.count % count == 0 && !rows.isEmpty,
      "\(count) rows cannot have \(rows.count) numbers")
    precondition(rank >= 0, "a rank is 0 or more, found \(rank)")
    let dimension = rows.count / count
    var sums = [Double](repeating: 0, count: dimension)
    for (index, value) in rows.enumerated() { sums[index % dimension] += Double(value) }
    let mean = sums.map { Float($0 / Double(count)) }
    var centred = Rows(count: count, columns: dimension, values: rows.map(Double.init))
    var trace = 0.0
    for index in centred.values.indices {
      centred.values[index] -= Double(mean[index % dimension])
      trace += centred.values[index] * centred.values[index]
    }
    trace /= Double(count)
    let (values, vectors) = Self.principalDirections(
      of: centred, count: min(rank, count - 1, dimension - 1), least: 1e-10 * trace)
    let explained = values.reduce(0, +)
    // Numbers that never vary have no density: they get a noise that nothing else can be mistaken for.
    let least = max(1e-9 * trace / Double(dimension), 1e-12)
    noise = max(least, (trace - explained) / Double(dimension - values.count))
    let floor = noise
    variances = values.map { max($0, floor) }
    directions = vectors.map(Float.init)
    explainedShare = trace > 0 ? min(1, explained / trace) : 0
    self.mean = mean
  }

  /// Eigenvalues of the covariance of centred rows, of more than `least`, and their eigenvectors: from the
  /// smaller of the two matrices of products, of the rows or of the columns.
  private static func principalDirections(
    of centred: Rows, count: Int, least: Double
  ) -> (values: [Double], vectors: [Double]) {
    guard count > 0, least > 0 else { return ([], []) }
    let columns = centred.transposed
    let byRows = centred.count < centred.columns
    var products = byRows ? centred.products(with: centred) : columns.products(with: columns)
    for index in products.values.indices { products.values[index] /= Double(centred.count) }
    let pairs = Eigenpairs(largest: count, of: products)
    let values = Array(pairs.values.prefix { $0 > least })
    let kept = Rows(
      count: values.count, columns: products.count,
      values: Array(pairs.vectors.values.prefix(values.count * products.count)))
    guard byRows else { return (values, kept.values) }
    var directions = kept.products(with: columns)
    directions.orthonormalise()
    return (values, directions.values)
  }

  /// What the density says of one vector.
  /// - Returns:
  ///   - inside: Mahalanobis's squared distance from the mean within the R directions; R on average.
  ///   - residual: the same outside of them; D − R on average.
  ///   - negativeLogDensity: nats.
  public func statistics(
    of x: [Float]
  ) -> (inside: Double, residual: Double, negativeLogDensity: Double) {
    precondition(x.count == dimension, "expected \(dimension) numbers, found \(x.count)")
    let centred = zip(x, mean).map { $0 - $1 }
    var inside = 0.0
    var explained = 0.0
    centred.withUnsafeBufferPointer { centred in
      directions.withUnsafeBufferPointer { directions in
        for (r, variance) in variances.enumerated() {
          let row = UnsafeBufferPointer(
            rebasing: directions[r * dimension..<(r + 1) * dimension])
          let along = Double(dot(centred, row))
          inside += along * along / variance
          explained += along * along
        }
      }
    }
    let square = centred.reduce(0.0) { $0 + Double($1) * Double($1) }
    let residual = max(0, square - explained) / noise
    return (inside, residual, (logVolume + inside + residual) / 2)
  }

  /// s² of the density of the first directions alone: the mean of the other variances.
  public func noise(ofRank rank: Int) -> Double {
    let others = variances.dropFirst(rank).reduce(0, +) + noise * Double(dimension - self.rank)
    return others / Double(dimension - rank)
  }

  /// With how many of its directions, the first ones, the density of other rows `[N, D]` is highest.
  public func likeliestRank(of rows: [Float]) -> Int {
    // Mean squares of the rows along each direction and in all.
    var along = [Double](repeating: 0, count: rank)
    var all = 0.0
    let count = rows.count / dimension
    for row in 0..<count {
      let centred = zip(rows[row * dimension..<(row + 1) * dimension], mean).map { $0 - $1 }
      all += centred.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
      centred.withUnsafeBufferPointer { centred in
        directions.withUnsafeBufferPointer { directions in
          for r in 0..<rank {
            let share = Double(
              dot(
                centred,
                UnsafeBufferPointer(rebasing: directions[r * dimension..<(r + 1) * dimension])))
            along[r] += share * share / Double(count)
          }
        }
      }
    }
    var (inside, explained, logs) = (0.0, 0.0, 0.0)
    var best = (loss: Double.infinity, rank: 0)
    for rank in 0...self.rank {
      if rank > 0 {
        inside += along[rank - 1] / variances[rank - 1]
        explained += along[rank - 1]
        logs += log(variances[rank - 1])
      }
      let noise = noise(ofRank: rank)
      let loss =
        logs + Double(dimension - rank) * log(noise) + inside + max(0, all - explained) / noise
      if loss < best.loss { best = (loss, rank) }
    }
    return best.rank
  }

  /// ln det(2π C).
  private var logVolume: Double {
    Double(dimension) * log(2 * .pi) + variances.reduce(0) { $0 + log($1) }
      + Double(dimension - rank) * log(noise)
  }
}

/// The product of two rows, eight partial sums side by side.
private func dot(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Float {
  var (first, second) = (SIMD8<Float>(), SIMD8<Float>())
  let whole = a.count / 16 * 16
  let (x, y) = (UnsafeRawPointer(a.baseAddress!), UnsafeRawPointer(b.baseAddress!))
  for i in stride(from: 0, to: whole * 4, by: 64) {
    first +=
      x.loadUnaligned(fromByteOffset: i, as: SIMD8<Float>.self)
      * y.loadUnaligned(fromByteOffset: i, as: SIMD8<Float>.self)
    second +=
      x.loadUnaligned(fromByteOffset: i + 32, as: SIMD8<Float>.self)
      * y.loadUnaligned(fromByteOffset: i + 32, as: SIMD8<Float>.self)
  }
  var rest: Float = 0
  for i in whole..<a.count { rest += a[i] * b[i] }
  return (first + second).sum() + rest
}
