import Foundation

/// What the scores of normal images are like together: how odd a vector of scores is, as one number.
///
/// Each score becomes a normal number by its place in the tails of the normal images' (a Gaussian copula
/// where normal images are of one kind), and an image is as odd as it is far from the nearest of the kinds
/// that those of normal images fall into. Two scores that always go together count once, and an image whose
/// scores are ordinary one by one but do not go together is odd. Where normal images are too few for a
/// covariance, the depths in the tails are added up.
package struct OneClass: Sendable {
  /// Normal images from which on there is a covariance.
  package static let fewest = 60

  private let tails: [Tails]
  private let sides: [Tail]
  /// Nil where images are few.
  private let kinds: Kinds?

  /// - Parameters:
  ///   - vectors: the scores of normal images, a row an image.
  ///   - sides: which values of each score count.
  package init(fitting vectors: [[Double]], _ sides: [Tail]) {
    let tails = sides.indices.map { score in Tails(of: vectors.map { $0[score] }) }
    self.tails = tails
    self.sides = sides
    kinds =
      vectors.count < Self.fewest
      ? nil
      : Kinds(
        of: vectors.map { vector in
          sides.indices.map { tails[$0].normalScore(of: vector[$0], sides[$0]) }
        })
  }

  /// How odd an image is, about 0 or more; each score as the normal number that lies as far out, and what
  /// it adds to that.
  package func opinion(
    on vector: [Double]
  ) -> (oddness: Double, parts: [(normalScore: Double, share: Double)]) {
    precondition(
      vector.count == sides.count, "expected \(sides.count) scores, found \(vector.count)")
    let z = normalScores(of: vector)
    guard let kinds else {
      let shares = depths(of: vector)
      return (shares.reduce(0, +), Array(zip(z, shares)).map { ($0, $1) })
    }
    let (distance, parts) = kinds.opinion(on: z)
    return (distance, zip(z, parts).map { ($0, $1) })
  }

  /// Higher is odder.
  package func oddness(of vector: [Double]) -> Double {
    kinds?.distance(of: normalScores(of: vector)) ?? depths(of: vector).reduce(0, +)
  }

  private func normalScores(of vector: [Double]) -> [Double] {
    sides.indices.map { tails[$0].normalScore(of: vector[$0], sides[$0]) }
  }

  private func depths(of vector: [Double]) -> [Double] {
    sides.indices.map { max(0, min(1e4, tails[$0].oddness(of: vector[$0], sides[$0])) - M_LN2) }
  }
}
