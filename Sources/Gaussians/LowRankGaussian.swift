import CKernels
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

  /// What a density says of a vector.
  public struct Statistics: Equatable, Sendable {
    /// Mahalanobis's squared distance from the mean within the R directions; R on average.
    public let inside: Double
    /// The same outside of them; D − R on average.
    public let residual: Double
    /// Nats.
    public let negativeLogDensity: Double
  }

  /// What the density says of one vector.
  public func statistics(of x: [Float]) -> Statistics { statistics(ofRows: x)[0] }

  /// The same of rows `[N, D]`; of each the same bits, alone or among others.
  public func statistics(ofRows rows: [Float]) -> [Statistics] {
    precondition(
      rows.count % dimension == 0, "expected rows of \(dimension) numbers, found \(rows.count)")
    let (along, squares) = shares(of: rows)
    let logVolume = logVolume
    return squares.indices.map { row in
      var (inside, explained) = (0.0, 0.0)
      for (r, variance) in variances.enumerated() {
        let square = Double(along[r * squares.count + row]) * Double(along[r * squares.count + row])
        inside += square / variance
        explained += square
      }
      let residual = max(0, squares[row] - explained) / noise
      return Statistics(
        inside: inside, residual: residual,
        negativeLogDensity: (logVolume + inside + residual) / 2)
    }
  }

  /// What centred rows have of each direction, `[R, N]`, and their squared lengths.
  private func shares(of rows: [Float]) -> (along: [Float], squares: [Double]) {
    let count = rows.count / dimension
    var centred = rows
    var squares = [Double](repeating: 0, count: count)
    centred.withUnsafeMutableBufferPointer { centred in
      mean.withUnsafeBufferPointer { mean in
        for row in 0..<count {
          let values = centred[row * mean.count..<(row + 1) * mean.count]
          var square = 0.0
          for (index, mean) in zip(values.indices, mean) {
            centred[index] -= mean
            square += Double(centred[index]) * Double(centred[index])
          }
          squares[row] = square
        }
      }
    }
    var along = [Float](repeating: 0, count: rank * count)
    sl_rows_by_rows_f32(directions, rank, centred, count, dimension, &along)
    return (along, squares)
  }

  /// s² of the density of the first directions alone: the mean of the other variances.
  public func noise(ofRank rank: Int) -> Double {
    let others = variances.dropFirst(rank).reduce(0, +) + noise * Double(dimension - self.rank)
    return others / Double(dimension - rank)
  }

  /// With how many of its directions, the first ones, the density of other rows `[N, D]` is highest.
  public func likeliestRank(of rows: [Float]) -> Int {
    // Mean squares of the rows along each direction and in all.
    let (shares, squares) = shares(of: rows)
    let count = squares.count
    let all = squares.reduce(0, +) / Double(count)
    let along = (0..<rank).map { r in
      shares[r * count..<(r + 1) * count].reduce(0.0) { $0 + Double($1) * Double($1) }
        / Double(count)
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
