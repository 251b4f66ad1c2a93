import Foundation
import Gaussians
import Randomness

/// The kinds that vectors of a few numbers fall into, and how far a vector is from the nearest of them.
///
/// Normal images are rarely of one kind: trousers, sandals and shirts differ in all their scores, and
/// what lies between them belongs to none. A kind has a mean and a covariance, found by the steps of
/// expectation and maximisation of a mixture of Gaussian densities (Dempster, Laird and Rubin 1977), from
/// a few starts. With q_k Mahalanobis's squared distance from kind k,
///
///     distance = −2 ln Σ_k exp(−q_k / 2) + 2 ln K
///
/// which for one kind is that distance itself. Neither the volumes of kinds nor the shares of vectors in
/// them count, as in a density they would: a wide kind of few images is no less normal.
///
/// A cluster of less than half an even share of the vectors is no kind. So some odd images among the
/// normal ones do not make a kind of their own.
struct Kinds: Codable, Sendable {
  /// Vectors a kind, and the most kinds.
  static let vectorsAKind = 60
  static let most = 8
  private static let starts = 4
  private static let steps = 10
  /// Each covariance leans towards that of all vectors as if so many more had had it.
  private static let prior = 30.0

  let kinds: [Kind]

  /// Of at least two vectors of the same length.
  init(of vectors: [[Double]]) {
    let d = vectors[0].count
    let x = Rows(count: vectors.count, columns: d, values: vectors.flatMap { $0 })
    let whole = Sample(of: x)
    let count = min(Self.most, vectors.count / Self.vectorsAKind)
    guard count > 1 else {
      kinds = [Kind(whole.mean, whole.covariance.shrunk, share: 1)]
      return
    }
    kinds = (0..<Self.starts).flatMap { start in
      let found = Self.found(count, in: x, whole, start)
      let worth = found.filter { $0.share > 0.5 / Double(count) }
      return worth.isEmpty ? found : worth
    }
  }

  private static func found(_ count: Int, in x: Rows, _ whole: Sample, _ start: Int) -> [Kind] {
    let transposed = x.transposed
    // From the nearest of some vectors, where all directions count alike.
    let white = x.products(with: Kind(whole.mean, whole.covariance.shrunk, share: 1).whitening)
    var shares = clusters(count, of: white, start)
    var kinds: [Kind] = []
    for _ in 0..<steps {
      kinds = shares.map { Kind(of: x, transposed, weights: $0, whole, prior: prior) }
      let heights = kinds.map { kind in
        kind.distances(of: x).map { kind.height - $0 / 2 }
      }
      for index in 0..<x.count {
        let most = heights.reduce(-Double.infinity) { max($0, $1[index]) }
        let sum = heights.reduce(0) { $0 + exp($1[index] - most) }
        for kind in heights.indices { shares[kind][index] = exp(heights[kind][index] - most) / sum }
      }
    }
    return kinds
  }

  /// Lloyd's clusters of rows from randomly chosen ones: of each cluster 1 for its rows and 0 for others.
  private static func clusters(_ count: Int, of rows: Rows, _ start: Int) -> [[Double]] {
    let d = rows.columns
    var stream = RandomStream(seed: 0, "kinds", start)
    var centres = stream.permutation(of: rows.count).prefix(count).flatMap { row in
      rows.values[row * d..<(row + 1) * d]
    }
    var nearest = [Int](repeating: 0, count: rows.count)
    for _ in 0..<15 {
      let halves = (0..<count).map { centre in
        centres[centre * d..<(centre + 1) * d].reduce(0) { $0 + $1 * $1 } / 2
      }
      let products = rows.products(with: Rows(count: count, columns: d, values: centres))
      for row in 0..<rows.count {
        nearest[row] = (0..<count).min {
          halves[$0] - products.values[row * count + $0]
            < halves[$1] - products.values[row * count + $1]
        }!
      }
      var sums = [Double](repeating: 0, count: count * d)
      var members = [Double](repeating: 0, count: count)
      for (row, centre) in nearest.enumerated() {
        members[centre] += 1
        for j in 0..<d { sums[centre * d + j] += rows.values[row * d + j] }
      }
      for index in sums.indices where members[index / d] > 0 {
        centres[index] = sums[index] / members[index / d]
      }
    }
    return (0..<count).map { centre in nearest.map { $0 == centre ? 1 : 0 } }
  }

  /// How far a vector is from the nearest kind; 0 or more but for what several kinds share.
  func distance(of vector: [Double]) -> Double {
    distance(kinds.map { $0.distance(of: vector) })
  }

  private func distance(_ distances: [Double]) -> Double {
    let least = distances.min()!
    let sum = distances.reduce(0) { $0 + exp((least - $1) / 2) }
    return least - 2 * log(sum / Double(kinds.count))
  }

  /// The same, and what each number of the vector adds to its distance from the nearest kind.
  func opinion(on vector: [Double]) -> (distance: Double, parts: [Double]) {
    let distances = kinds.map { $0.distance(of: vector) }
    let nearest = kinds[distances.indices.min { distances[$0] < distances[$1] }!]
    let centred = zip(vector, nearest.mean).map { $0 - $1 }
    let d = centred.count
    let white = nearest.whitened(centred)
    let root = nearest.whitening.values
    let parts = (0..<d).map { j in
      var slope = 0.0
      for i in j..<d { slope += root[i * d + j] * white[i] }
      return centred[j] * slope
    }
    return (distance(distances), parts)
  }
}
