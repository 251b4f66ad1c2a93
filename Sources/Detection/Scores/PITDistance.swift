extension Score {
  /// W² = 1/(12 D) + Σ (u_(k) − (k − ½)/D)², the distance of Cramér and von Mises between the
  /// probability integral transforms of the D sub-pixels and the uniform distribution that they have
  /// where the model is right: it sees what keeps the mean surprise as it was, such as too little
  /// noise (Dawid 1984, doi:10.2307/2981683, for the transform).
  static let pitDistance = Score(
    "pit_distance", "distance of the sub-pixels' ranks under the model from uniform", needs: .pit
  ) { evidence, _ in
    // W² is D ∫ (F(u) − u)² du with F the share of the transforms that are at most u: here over steps
    // so fine that sorting would not change it visibly.
    var counts = [Int](repeating: 0, count: steps)
    for u in evidence.pit where !u.isNaN { counts[min(Int(u * Float(steps)), steps - 1)] += 1 }
    let dimension = Double(evidence.dimension)
    var integral = 0.0
    var below = 0.0
    for (step, count) in counts.enumerated() {
      let share = (below + Double(count) / 2) / dimension
      let gap = share - (Double(step) + 0.5) / Double(steps)
      integral += gap * gap
      below += Double(count)
    }
    return dimension * integral / Double(steps)
  }
}

private let steps = 1024
