import Foundation
import Gaussians

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
        let normalScores = Self.normalScores(of: Rows(vectors), tails, sides)
        let kinds = Kinds(of: normalScores)
        return Learned(kinds: kinds, distances: kinds.distances(of: normalScores).sorted())
      }()
    self.learned = found
    self.likelihood = likelihood.map { ($0, UpperTail(found.distances)) }
  }

  /// How odd an image is, about 0 or more; each score as the normal number that lies as far out, and what
  /// it adds to that.
  package typealias Opinion = (oddness: Double, parts: [(normalScore: Double, share: Double)])

  package func opinion(on vector: [Double]) -> Opinion { opinions(on: Rows([vector]))[0] }

  /// The opinion on each row. Several at once meet what was learned while it is in the cache.
  func opinions(on vectors: Rows) -> [Opinion] {
    check(vectors)
    let z = Self.normalScores(of: vectors, tails, sides)
    let found = learned?.kinds.opinions(on: z)
    return (0..<vectors.count).map { index in
      let vector = vectors[index]
      guard let found else {
        let shares = depths(of: vector)
        return (shares.reduce(0, +), Array(zip(z[index], shares)).map { ($0, $1) })
      }
      var (distance, shares) = found[index]
      guard let likelihood else {
        return (distance, Array(zip(z[index], shares)).map { ($0, $1) })
      }
      let (depth, alone) = depths(of: vector, distance, likelihood)
      let oddness = (depth * depth + alone * alone).squareRoot()
      // Of the square, the distance's part is shared as the distance is.
      let whole = shares.reduce(0) { $0 + max(0, $1) }
      let scale = whole > 0 && oddness > 0 ? depth * depth / oddness / whole : 0
      for index in shares.indices { shares[index] *= scale }
      if oddness > 0 { shares[likelihood.place] += alone * alone / oddness }
      return (oddness, Array(zip(z[index], shares)).map { ($0, $1) })
    }
  }

  package func oddness(of vector: [Double]) -> Double { oddness(ofRows: Rows([vector]))[0] }

  /// Of each row; higher is odder.
  func oddness(ofRows vectors: Rows) -> [Double] {
    check(vectors)
    guard let kinds = learned?.kinds else {
      return (0..<vectors.count).map { depths(of: vectors[$0]).reduce(0, +) }
    }
    let distances = kinds.distances(of: Self.normalScores(of: vectors, tails, sides))
    guard let likelihood else { return distances }
    return distances.indices.map { index in
      let (depth, alone) = depths(of: vectors[index], distances[index], likelihood)
      return (depth * depth + alone * alone).squareRoot()
    }
  }

  private func check(_ vectors: Rows) {
    precondition(
      vectors.columns == sides.count, "expected \(sides.count) scores, found \(vectors.columns)")
  }

  /// d, and what the likelihood adds.
  private func depths(
    of vector: ArraySlice<Double>, _ distance: Double,
    _ likelihood: (place: Int, distances: UpperTail)
  ) -> (Double, Double) {
    let (tails, value) = (tails[likelihood.place], vector[vector.startIndex + likelihood.place])
    let (u, l) = (min(1e4, tails.upper(at: value)), min(1e4, tails.lower(at: value)))
    let (farUp, farDown) = (max(0, u - 3), max(0, l - 2))
    let alone = u * u / 3 + farUp * farUp + farDown * farDown
    return (likelihood.distances.depth(of: distance), alone.squareRoot())
  }

  /// Of each row; score by score, whose ascending values are then in the cache.
  private static func normalScores(of vectors: Rows, _ tails: [Tails], _ sides: [Tail]) -> Rows {
    var z = vectors
    for (score, (tails, side)) in zip(tails, sides).enumerated() {
      let places = stride(from: score, to: z.values.count, by: z.columns)
      let found = tails.normalScores(of: places.map { vectors.values[$0] }, side)
      for (place, normalScore) in zip(places, found) { z.values[place] = normalScore }
    }
    return z
  }

  private func depths(of vector: ArraySlice<Double>) -> [Double] {
    zip(vector, zip(tails, sides)).map { value, tail in
      max(0, min(1e4, tail.0.oddness(of: value, tail.1)) - M_LN2)
    }
  }
}
