/// The nearest border of the classifier, as if it were linear, until it is crossed (Moosavi-Dezfooli et al.
/// 2016, arXiv:1511.04599, algorithm 2): with f_k the logits less that of the class at hand and w_k their
/// gradients, each step is the shortest |f_k| w_k / ‖w_k‖². At the end the move is made a little longer
/// (η = 0.02), and longer still where rounding to eight bits would undo it.
public struct DeepFool: Attack {
  public var steps = 50
  public var overshoot: Float = 0.02

  public init() {}

  public func moved(
    _ images: [[Float]], _ labels: [Int], numbers: Range<Int>, by victim: Victim, seed: UInt64,
    progress: (_ images: Double) -> Bool
  ) -> [[Float]]? {
    var moves = images.map { [Float](repeating: 0, count: $0.count) }
    let told = victim.mostProbable(images)
    // What is mistaken already needs no move.
    var left = images.indices.filter { told[$0] == labels[$0] }
    guard progress(Double(images.count - left.count)) else { return nil }
    for step in 0..<steps where !left.isEmpty {
      let x = left.map { added(images[$0], moves[$0].map { (1 + overshoot) * $0 }) }
      let now = victim.logits(of: x)
      var remaining: [Int] = []
      for (n, place) in left.enumerated() {
        if winner(now[n]) == labels[place] { remaining.append(n) }
      }
      guard progress(Double(left.count - remaining.count)) else { return nil }
      left = remaining.map { left[$0] }
      if left.isEmpty || step == steps - 1 { break }
      let (points, logits) = (remaining.map { x[$0] }, remaining.map { now[$0] })
      let gradients = (0..<victim.classes).map { k in
        victim.gradient(at: points) { rows in
          zip(rows, left).map { row, place in
            var weights = [Float](repeating: 0, count: row.count)
            weights[k] += 1
            weights[labels[place]] -= 1
            return weights
          }
        }.gradient
      }
      for (n, place) in left.enumerated() {
        let own = labels[place]
        var shortest: (length: Float, class: Int, share: Float)?
        for k in 0..<victim.classes where k != own {
          let (gap, length) = (abs(logits[n][k] - logits[n][own]), norm(gradients[k][n]))
          guard length > 0 else { continue }
          // A hair more, so that a border that is exactly linear is crossed.
          let share = (gap + 1e-4) / (length * length)
          if shortest.map({ gap / length < $0.length }) ?? true {
            shortest = (gap / length, k, share)
          }
        }
        guard let shortest else { continue }
        moves[place] = zip(moves[place], gradients[shortest.class][n]).map {
          $0 + shortest.share * $1
        }
      }
    }
    guard progress(Double(left.count)) else { return nil }
    return lengthened(images, labels, moves, victim)
  }

  private func lengthened(
    _ images: [[Float]], _ labels: [Int], _ moves: [[Float]], _ victim: Victim
  ) -> [[Float]] {
    var moved = images
    var left = images.indices.filter { moves[$0].contains { $0 != 0 } }
    var factor = 1 + overshoot
    for _ in 0..<24 where !left.isEmpty {
      for place in left { moved[place] = added(images[place], moves[place].map { factor * $0 }) }
      let told = victim.mostProbable(left.map { rounded(moved[$0]) })
      left = zip(left, told).filter { labels[$0.0] == $0.1 }.map(\.0)
      factor *= 1.05
    }
    return moved
  }
}
