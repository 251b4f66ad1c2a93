import Foundation
import Randomness

/// Whether a batch of images, taken together, is as normal ones are: two tests, and their common verdict.
public struct BatchDrift: Equatable, Sendable {
  /// A test's statistic, in its own unit, and its p-value.
  public struct Test: Equatable, Sendable {
    public let statistic: Double
    public let pValue: Double
  }

  /// Of how odd images are: the largest distance between the distributions of the batch and of the normal
  /// images (Kolmogorov and Smirnov).
  public let oddness: Test
  /// Of mean −log p, the batch's less the normal images', nats (Nalisnick et al. 2019, arXiv:1906.02994);
  /// nil where images have no likelihood.
  public let typicality: Test?

  /// The least p-value, times the number of tests (Bonferroni), at most 1.
  public var pValue: Double {
    guard let typicality else { return oddness.pValue }
    return min(1, 2 * min(oddness.pValue, typicality.pValue))
  }

  /// The fewest images of a batch, for which the distribution of the distance is near its limit.
  public static let fewest = 8

  /// - Parameters:
  ///   - oddness: of the batch, and of normal images by the same judge.
  ///   - nats: likewise; nil where there is no likelihood.
  ///   - draws: of typicality's bootstrap.
  public init(
    oddness: (batch: [Double], normal: [Double]), nats: (batch: [Double], normal: [Double])?,
    draws: Int = 2_000
  ) {
    precondition(
      min(oddness.batch.count, oddness.normal.count) >= Self.fewest,
      "drift needs \(Self.fewest) images at least")
    self.oddness = Self.kolmogorovSmirnov(oddness.batch, oddness.normal)
    typicality = nats.map { Self.typicality($0.batch, $0.normal, draws: draws) }
  }

  /// Two samples, with the p-value of Kolmogorov's limit: of 20 and 20 images it is 0.01 off, of 200 and
  /// 200 less than 0.0001. (Stephens's correction is of one sample, and here makes too many rejections.)
  package static func kolmogorovSmirnov(_ a: [Double], _ b: [Double]) -> Test {
    let (a, b) = (a.sorted(), b.sorted())
    var (i, j, distance) = (0, 0, 0.0)
    while i < a.count && j < b.count {
      let value = min(a[i], b[j])
      while i < a.count && a[i] == value { i += 1 }
      while j < b.count && b[j] == value { j += 1 }
      distance = max(distance, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
    }
    let pairs = Double(a.count) * Double(b.count) / Double(a.count + b.count)
    let x = pairs.squareRoot() * distance
    // Below 0.2 it is 1 to ten decimals, and Kolmogorov's series slow.
    guard x >= 0.2 else { return Test(statistic: distance, pValue: 1) }
    var (p, sign) = (0.0, 2.0)
    for k in 1...100 {
      p += sign * exp(-2 * Double(k * k) * x * x)
      sign = -sign
    }
    return Test(statistic: distance, pValue: min(1, max(0, p)))
  }

  /// How far the mean of as many images, drawn from the normal ones, lies from the mean of as many as
  /// there are of those, drawn again too: both means are of samples.
  private static func typicality(_ batch: [Double], _ normal: [Double], draws: Int) -> Test {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let difference = mean(batch) - mean(normal)
    var stream = RandomStream(seed: 0, "typicality")
    func drawn(_ count: Int) -> Double {
      (0..<count).reduce(0.0) { sum, _ in sum + normal[stream.integer(below: normal.count)] }
        / Double(count)
    }
    var asFar = 0
    for _ in 0..<draws {
      // A batch that is infinitely unlikely is further than any.
      if !(abs(drawn(batch.count) - drawn(normal.count)) < abs(difference)) { asFar += 1 }
    }
    return Test(statistic: difference, pValue: Double(1 + asFar) / Double(draws + 1))
  }
}
