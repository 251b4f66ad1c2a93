import Foundation

/// What the scores of normal images are like together: how odd a vector of scores is, as one number.
///
/// Each score becomes a normal number by its place in the tails of the normal images' (a Gaussian copula
/// where normal images are of one kind), and an image is as odd as it is far from the nearest of the kinds
/// that those of normal images fall into. Two scores that always go together count once, and an image whose
/// scores are ordinary one by one but do not go together is odd. Where normal images are too few for a
/// covariance, the depths in the tails are added up.
///
/// In so many scores one alone drowns, and an image that is only less likely than normal ones, or more
/// likely than almost all of them, would be told apart worse than by its likelihood. So that counts once
/// more by itself: with d how deep the distance lies among those of the fitted images, u how deep −log p
/// lies in its upper tail and l how deep in its lower one, all −ln of a share,
///
///     oddness = √(d² + u² / 3 + max(0, u − 3)² + max(0, l − 2)²)
package struct OneClass: Sendable {
  /// Normal images from which on there is a covariance.
  package static let fewest = 60

  private let tails: [Tails]
  private let sides: [Tail]
  /// Nil where images are few.
  let learned: Learned?
  /// Where the likelihood is in a vector, and the distances of the fitted images; nil where it counts once.
  private let likelihood: (place: Int, distances: UpperTail)?

  /// - Parameters:
  ///   - vectors: the scores of normal images, a row an image.
  ///   - sides: which values of each score count.
  ///   - likelihood: which of the scores is −log p; nil where none is.
  package init(fitting vectors: [[Double]], _ sides: [Tail], likelihood: Int? = nil) {
    self.init(fitting: vectors, sides, likelihood: likelihood, learned: nil)
  }

  /// What takes long to learn from vectors.
  struct Learned: Codable, Sendable {
    let kinds: Kinds
    /// Of the fitted images from the nearest kind, ascending.
    let distances: [Double]
  }

  /// - Parameter learned: by an earlier call with the same vectors.
  init(fitting vectors: [[Double]], _ sides: [Tail], likelihood: Int?, learned: Learned?) {
    let ranks = NormalRanks(vectors.count)
    let tails = sides.indices.map { score in Tails(of: vectors.map { $0[score] }, ranks) }
    self.tails = tails
    self.sides = sides
    guard vectors.count >= Self.fewest else {
      self.learned = nil
      self.likelihood = nil
      return
    }
    let found =
      learned
      ?? {
        let normalScores = vectors.map { vector in
          sides.indices.map { tails[$0].normalScore(of: vector[$0], sides[$0]) }
        }
        let kinds = Kinds(of: normalScores)
        return Learned(kinds: kinds, distances: normalScores.map(kinds.distance).sorted())
      }()
    self.learned = found
    self.likelihood = likelihood.map { ($0, UpperTail(found.distances)) }
  }

  /// How odd an image is, about 0 or more; each score as the normal number that lies as far out, and what
  /// it adds to that.
  package func opinion(
    on vector: [Double]
  ) -> (oddness: Double, parts: [(normalScore: Double, share: Double)]) {
    precondition(
      vector.count == sides.count, "expected \(sides.count) scores, found \(vector.count)")
    let z = normalScores(of: vector)
    guard let kinds = learned?.kinds else {
      let shares = depths(of: vector)
      return (shares.reduce(0, +), Array(zip(z, shares)).map { ($0, $1) })
    }
    var (distance, shares) = kinds.opinion(on: z)
    guard let likelihood else { return (distance, Array(zip(z, shares)).map { ($0, $1) }) }
    let (depth, alone) = depths(of: vector, distance, likelihood)
    let oddness = (depth * depth + alone * alone).squareRoot()
    // Of the square, the distance's part is shared as the distance is.
    let whole = shares.reduce(0) { $0 + max(0, $1) }
    let scale = whole > 0 && oddness > 0 ? depth * depth / oddness / whole : 0
    for index in shares.indices { shares[index] *= scale }
    if oddness > 0 { shares[likelihood.place] += alone * alone / oddness }
    return (oddness, Array(zip(z, shares)).map { ($0, $1) })
  }

  /// Higher is odder.
  package func oddness(of vector: [Double]) -> Double {
    guard let kinds = learned?.kinds else { return depths(of: vector).reduce(0, +) }
    let distance = kinds.distance(of: normalScores(of: vector))
    guard let likelihood else { return distance }
    let (depth, alone) = depths(of: vector, distance, likelihood)
    return (depth * depth + alone * alone).squareRoot()
  }

  /// d, and what the likelihood adds.
  private func depths(
    of vector: [Double], _ distance: Double, _ likelihood: (place: Int, distances: UpperTail)
  ) -> (Double, Double) {
    let (tails, value) = (tails[likelihood.place], vector[likelihood.place])
    let (u, l) = (min(1e4, tails.upper(at: value)), min(1e4, tails.lower(at: value)))
    let (farUp, farDown) = (max(0, u - 3), max(0, l - 2))
    let alone = u * u / 3 + farUp * farUp + farDown * farDown
    return (likelihood.distances.depth(of: distance), alone.squareRoot())
  }

  private func normalScores(of vector: [Double]) -> [Double] {
    sides.indices.map { tails[$0].normalScore(of: vector[$0], sides[$0]) }
  }

  private func depths(of vector: [Double]) -> [Double] {
    sides.indices.map { max(0, min(1e4, tails[$0].oddness(of: vector[$0], sides[$0])) - M_LN2) }
  }
}
