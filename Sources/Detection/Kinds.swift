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
struct Kinds: Sendable {
  /// Vectors a kind, and the most kinds.
  static let vectorsAKind = 60
  static let most = 8
  private static let starts = 4
  private static let steps = 10
  /// Each covariance leans towards that of all vectors as if so many more had had it.
  private static let prior = 30.0

  let kinds: [Kind]
  private let triangles: Triangles

  private init(_ kinds: [Kind]) {
    self.kinds = kinds
    triangles = Triangles(means: kinds.map(\.mean), lower: kinds.map(\.whitening))
  }

  /// Of at least two vectors.
  init(of x: Rows) {
    let whole = Sample(of: x)
    let count = min(Self.most, x.count / Self.vectorsAKind)
    guard count > 1 else {
      self.init([Kind(whole.mean, whole.covariance.shrunk, share: 1)])
      return
    }
    self.init(
      (0..<Self.starts).flatMap { start in
        let found = Self.found(count, in: x, whole, start)
        let worth = found.filter { $0.share > 0.5 / Double(count) }
        return worth.isEmpty ? found : worth
      })
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

  /// How far each vector is from the nearest kind; 0 or more but for what several kinds share.
  func distances(of vectors: Rows) -> [Double] {
    let lengths = triangles.squaredLengths(of: vectors)
    return (0..<vectors.count).map { Self.distance(lengths, $0).distance }
  }

  /// That of one vector, of its squared distances from all kinds, and the nearest.
  private static func distance(
    _ lengths: Rows, _ vector: Int
  ) -> (distance: Double, nearest: Int) {
    let (kinds, n) = (lengths.count, lengths.columns)
    var nearest = 0
    for kind in 1..<kinds
    where lengths.values[kind * n + vector] < lengths.values[nearest * n + vector] {
      nearest = kind
    }
    let least = lengths.values[nearest * n + vector]
    var sum = 0.0
    for kind in 0..<kinds {
      let beyond = lengths.values[kind * n + vector] - least
      // What is farther adds less than a sum of 1 or more can hold.
      if beyond < 100 { sum += exp(-beyond / 2) }
    }
    return (least - 2 * log(sum / Double(kinds)), nearest)
  }

  /// The same, and what each number of a vector adds to its distance from the nearest kind.
  func opinions(on vectors: Rows) -> [(distance: Double, parts: [Double])] {
    let lengths = triangles.squaredLengths(of: vectors)
    let d = vectors.columns
    return (0..<vectors.count).map { index in
      let (distance, place) = Self.distance(lengths, index)
      let nearest = kinds[place]
      let centred = (0..<d).map { vectors.values[index * d + $0] - nearest.mean[$0] }
      let white = nearest.whitened(centred)
      let root = nearest.whitening.values
      let parts = (0..<d).map { j in
        var slope = 0.0
        for i in j..<d { slope += root[i * d + j] * white[i] }
        return centred[j] * slope
      }
      return (distance, parts)
    }
  }
}

extension Kinds: Codable {
  private enum CodingKeys: CodingKey { case kinds }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(kinds, forKey: .kinds)
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let kinds = try fields.decode([Kind].self, forKey: .kinds)
    guard let d = kinds.first?.mean.count,
      kinds.allSatisfy({ $0.mean.count == d && $0.whitening.count == d })
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .kinds, in: fields, debugDescription: "expected kinds of vectors of one length")
    }
    self.init(kinds)
  }
}
