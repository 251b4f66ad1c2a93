import Detection
import Files
import Foundation
import Gaussians
import Randomness
import TestSupport
import Testing

/// The low-rank Gaussian against its definition, written out on matrices of a few rows.
struct LowRankGaussianTests {
  @Test(arguments: [(count: 40, dimension: 6, rank: 3), (count: 5, dimension: 9, rank: 2)])
  func densityIsThatOfItsCovariance(count: Int, dimension: Int, rank: Int) {
    let rows = samples(count, dimension)
    let gaussian = LowRankGaussian(fitting: rows.flatMap { $0 }, count: count, rank: rank)
    #expect(gaussian.rank == rank && gaussian.dimension == dimension)
    let covariance = covariance(of: gaussian)
    for x in rows.prefix(3) + samples(3, dimension, seed: 2) {
      let expected = negativeLogDensity(x, gaussian.mean.map(Double.init), covariance)
      let found = gaussian.statistics(of: x)
      #expect(abs(found.negativeLogDensity - expected) < 1e-4 * max(1, abs(expected)))
    }
  }

  /// The directions hold the sample's own variance, and the noise the mean of what is left.
  @Test(arguments: [(count: 60, dimension: 5, rank: 2), (count: 6, dimension: 11, rank: 4)])
  func momentsAreTheSamples(count: Int, dimension: Int, rank: Int) {
    let rows = samples(count, dimension)
    let gaussian = LowRankGaussian(fitting: rows.flatMap { $0 }, count: count, rank: rank)
    var trace = 0.0
    var along = [Double](repeating: 0, count: rank)
    for x in rows {
      let centred = zip(x, gaussian.mean).map { Double($0) - Double($1) }
      trace += centred.reduce(0) { $0 + $1 * $1 } / Double(count)
      for r in 0..<rank {
        let projection = zip(centred, direction(r, of: gaussian)).reduce(0) { $0 + $1.0 * $1.1 }
        along[r] += projection * projection / Double(count)
      }
    }
    for r in 0..<rank {
      #expect(abs(along[r] - gaussian.variances[r]) < 1e-4 * gaussian.variances[0])
      for s in 0...r {
        let product = zip(direction(r, of: gaussian), direction(s, of: gaussian))
          .reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (r == s ? 1 : 0)) < 1e-5)
      }
    }
    let left = (trace - along.reduce(0, +)) / Double(dimension - rank)
    #expect(abs(gaussian.noise - left) < 1e-4 * trace)
    #expect(abs(gaussian.explainedShare - along.reduce(0, +) / trace) < 1e-4)
    #expect(gaussian.variances == gaussian.variances.sorted(by: >))
    // No other directions hold more: what a power of the covariance makes of any start is the first.
    var power = [Double](repeating: 1, count: dimension)
    for _ in 0..<300 {
      var next = [Double](repeating: 0, count: dimension)
      for x in rows {
        let centred = zip(x, gaussian.mean).map { Double($0) - Double($1) }
        let share = zip(centred, power).reduce(0) { $0 + $1.0 * $1.1 }
        for i in 0..<dimension { next[i] += share * centred[i] }
      }
      let norm = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
      power = next.map { $0 / norm }
    }
    let agreement = zip(power, direction(0, of: gaussian)).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(abs(agreement) - 1) < 1e-4)
  }

  /// A subspace found by powers, not all at once: a rank far below the matrix's side.
  @Test func leadingDirectionsOfManyAreThoseOfAll() {
    let (count, dimension) = (90, 120)
    let rows = samples(count, dimension).flatMap { $0 }
    let few = LowRankGaussian(fitting: rows, count: count, rank: 8)
    let all = LowRankGaussian(fitting: rows, count: count, rank: count - 1)
    for r in 0..<8 {
      #expect(abs(few.variances[r] - all.variances[r]) < 1e-4 * all.variances[r])
      let agreement = zip(direction(r, of: few), direction(r, of: all))
        .reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(abs(agreement) - 1) < 1e-3)
    }
  }

  @Test func imagesThatNeverVaryHaveADensity() {
    let gaussian = LowRankGaussian(
      fitting: [Float](repeating: 7, count: 12), count: 3, rank: 2)
    #expect(gaussian.rank == 0)
    let same = gaussian.statistics(of: [7, 7, 7, 7])
    let other = gaussian.statistics(of: [7, 7, 8, 7])
    #expect(same.residual == 0 && same.negativeLogDensity.isFinite)
    #expect(other.negativeLogDensity.isFinite && other.residual > 1e9)
  }

  @Test func fileGivesTheSameDensity() throws {
    let folder = TemporaryFolder()
    let gaussian = LowRankGaussian(
      fitting: samples(20, 7).flatMap { $0 }, count: 20, rank: 3)
    let path = folder.file("gaussian.safetensors")
    try gaussian.write(to: path)
    #expect(try LowRankGaussian(contentsOf: path, dimension: 7) == gaussian)
    let error = #expect(throws: FileError.self) {
      try LowRankGaussian(contentsOf: path, dimension: 8)
    }
    #expect("\(error!)".contains("gaussian.safetensors"))
  }

  // MARK: Definitions

  /// Rows with a few strong directions.
  private func samples(_ count: Int, _ dimension: Int, seed: UInt64 = 1) -> [[Float]] {
    var stream = RandomStream(seed: seed, "rows")
    func normal() -> Double {
      (0..<12).reduce(-6) { sum, _ in sum + stream.uniform() }  // near enough
    }
    return (0..<count).map { _ in
      let (a, b) = (normal(), normal())
      return (0..<dimension).map { i in
        Float(5 + 3 * a * sin(Double(i)) + 2 * b * cos(Double(2 * i)) + normal() / 2)
      }
    }
  }

  private func direction(_ r: Int, of gaussian: LowRankGaussian) -> [Double] {
    let d = gaussian.dimension
    return gaussian.directions[r * d..<(r + 1) * d].map(Double.init)
  }

  private func covariance(of gaussian: LowRankGaussian) -> [[Double]] {
    let d = gaussian.dimension
    return (0..<d).map { i in
      (0..<d).map { j in
        (0..<gaussian.rank).reduce(i == j ? gaussian.noise : 0) { sum, r in
          let u = direction(r, of: gaussian)
          return sum + (gaussian.variances[r] - gaussian.noise) * u[i] * u[j]
        }
      }
    }
  }

  /// ½ (D ln 2π + ln det C + (x − µ)ᵀ C⁻¹ (x − µ)) by elimination.
  private func negativeLogDensity(_ x: [Float], _ mean: [Double], _ covariance: [[Double]])
    -> Double
  {
    let d = x.count
    let y = zip(x, mean).map { Double($0) - $1 }
    var rows = covariance.enumerated().map { $1 + [y[$0]] }
    var determinant = 0.0
    for pivot in 0..<d {
      determinant += log(rows[pivot][pivot])
      for row in pivot + 1..<d {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in pivot...d { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    var solution = [Double](repeating: 0, count: d)
    for row in (0..<d).reversed() {
      let known = (row + 1..<d).reduce(0) { $0 + rows[row][$1] * solution[$1] }
      solution[row] = (rows[row][d] - known) / rows[row][row]
    }
    let square = zip(y, solution).reduce(0) { $0 + $1.0 * $1.1 }
    return (Double(d) * log(2 * .pi) + determinant + square) / 2
  }
}
