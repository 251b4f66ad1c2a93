import Gaussians
import Randomness

/// One verdict on an image from the vector of all its scores, learned from held-out normal images alone,
/// with a p-value that holds whatever the combination is worth.
///
/// The normal images are divided into five folds, groups of alike ones undivided. A one-class model of
/// the vectors is fitted on four folds and ranks the fifth, five times over; an image is ranked in each
/// fold by that fold's own model (cross-conformal prediction; Vovk 2015, doi:10.1007/s10472-013-9368-4):
///
///     p = (1 + Σ_k #{i in fold k : V_k(x_i) ≥ V_k(x)}) / (N + 1)
///
/// Of more than 2 000 normal images, 1 000 are fitted and the others ranked (split conformal): then
/// P(p ≤ α) ≤ α exactly where the image is exchangeable with the normal ones.
package struct ConformalVerdict: Sendable {
  /// The fewest normal images that there is a verdict from.
  package static let fewest = 20
  /// The most that are both fitted and ranked.
  static let mostInFolds = 2_000
  private static let fitted = 1_000

  private struct Fold: Sendable {
    let model: OneClass
    /// Of the normal images that the model was not fitted on, ascending.
    let normal: [Double]
  }

  private let folds: [Fold]
  /// How odd each ranked normal image is by the model that was not fitted on it.
  package let normal: [Double]

  /// - Parameters:
  ///   - vectors: the scores of normal images, a row an image.
  ///   - groups: of each image the number of its group; those of a group stay together.
  ///   - likelihood: which of the scores is −log p; nil where none is.
  package init(
    _ vectors: [[Double]], _ sides: [Tail], groups: [Int], likelihood: Int? = nil
  ) {
    self.init(vectors, sides, groups: groups, likelihood: likelihood, learned: nil)
  }

  /// What takes long to learn, of each fold: kept with the vectors, it saves a second.
  struct Learned: Codable, Sendable {
    struct Fold: Codable {
      /// Nil where images are few.
      let model: OneClass.Learned?
      let normal: [Double]
    }
    let folds: [Fold]
  }

  var learned: Learned {
    Learned(folds: folds.map { Learned.Fold(model: $0.model.learned, normal: $0.normal) })
  }

  /// - Parameter learned: by an earlier call with the same arguments, as `isSound` says of it.
  init(
    _ vectors: [[Double]], _ sides: [Tail], groups: [Int], likelihood: Int?, learned: Learned?
  ) {
    precondition(vectors.count == groups.count, "\(groups.count) groups of \(vectors.count) images")
    folds = Self.ranked(of: groups).enumerated().map { index, part in
      let held = Set(part)
      let known = learned?.folds[index]
      let model = OneClass(
        fitting: vectors.indices.filter { !held.contains($0) }.map { vectors[$0] }, sides,
        likelihood: likelihood, learned: known?.model)
      return Fold(
        model: model,
        normal: known?.normal
          ?? model.oddness(ofRows: Rows(part.map { vectors[$0] })).sorted())
    }
    normal = folds.flatMap(\.normal)
  }

  /// Whether what was read can have been learned from so many scores of images in these groups.
  static func isSound(_ learned: Learned, scores: Int, groups: [Int]) -> Bool {
    func ascends(_ values: [Double]) -> Bool {
      !values.contains(where: \.isNaN) && zip(values, values.dropFirst()).allSatisfy { $0 <= $1 }
    }
    let parts = ranked(of: groups)
    return learned.folds.count == parts.count
      && zip(learned.folds, parts).allSatisfy { fold, part in
        let fitted = groups.count - part.count
        guard fold.normal.count == part.count, ascends(fold.normal),
          (fold.model != nil) == (fitted >= OneClass.fewest)
        else { return false }
        guard let model = fold.model else { return true }
        return model.distances.count == fitted && ascends(model.distances)
          && !model.kinds.kinds.isEmpty
          && model.kinds.kinds.allSatisfy { $0.mean.count == scores && $0.isFinite }
      }
  }

  /// How many of images in these groups a p-value is a rank among.
  static func rankedImages(of groups: [Int]) -> Int {
    ranked(of: groups).reduce(0) { $0 + $1.count }
  }

  /// The parts that are ranked, each by what is fitted on all other images.
  private static func ranked(of groups: [Int]) -> ArraySlice<[Int]> {
    let parts = parts(of: groups)
    return groups.count > mostInFolds ? parts.suffix(1) : parts[...]
  }

  /// Indices of images, groups undivided: five folds of like size, or of many images those to fit and
  /// those to rank.
  private static func parts(of groups: [Int]) -> [[Int]] {
    var members = Dictionary(grouping: groups.indices, by: { groups[$0] })
    if members.count == 1 {
      members = Dictionary(uniqueKeysWithValues: groups.indices.map { ($0, [$0]) })
    }
    var stream = RandomStream(seed: 0, "folds")
    let ids = members.keys.sorted()
    let order = stream.permutation(of: ids.count).map { ids[$0] }
    if groups.count > mostInFolds {
      var (fit, rank): ([Int], [Int]) = ([], [])
      for id in order {
        if fit.count < fitted { fit += members[id]! } else { rank += members[id]! }
      }
      return [fit, rank]
    }
    var parts = [[Int]](repeating: [], count: min(5, members.count))
    for id in order.sorted(by: { members[$0]!.count > members[$1]!.count }) {
      let least = parts.indices.min { parts[$0].count < parts[$1].count }!
      parts[least] += members[id]!
    }
    return parts
  }

  /// How many normal images a p-value is a rank among.
  package var count: Int { normal.count }

  /// How odd an image is, as a mean over the folds.
  func oddness(ofRows vectors: Rows) -> [Double] {
    folds.reduce([Double](repeating: 0, count: vectors.count)) { sums, fold in
      zip(sums, fold.model.oddness(ofRows: vectors)).map { $0 + $1 / Double(folds.count) }
    }
  }

  /// How odd an image is, its p-value, and its scores' parts in it, all as means over the folds.
  package typealias Finding = (
    oddness: Double, pValue: Double, parts: [(normalScore: Double, share: Double)]
  )

  package func verdict(on vector: [Double]) -> Finding { verdicts(on: Rows([vector]))[0] }

  /// The verdict on each row.
  func verdicts(on vectors: Rows) -> [Finding] {
    let none = [(normalScore: Double, share: Double)](repeating: (0, 0), count: vectors.columns)
    var findings = [Finding](repeating: (0, 1, none), count: vectors.count)
    for fold in folds {
      for (index, opinion) in fold.model.opinions(on: vectors).enumerated() {
        findings[index].oddness += opinion.oddness / Double(folds.count)
        findings[index].pValue += Double(
          fold.normal.count - fold.normal.partitioningIndex { $0 >= opinion.oddness })
        for (place, part) in opinion.parts.enumerated() {
          findings[index].parts[place].normalScore += part.normalScore / Double(folds.count)
          findings[index].parts[place].share += part.share / Double(folds.count)
        }
      }
    }
    for index in findings.indices { findings[index].pValue /= Double(normal.count + 1) }
    return findings
  }
}
