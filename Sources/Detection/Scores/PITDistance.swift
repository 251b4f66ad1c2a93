extension Score {
  /// W² = 1/(12 D) + Σ (u_(k) − (k − ½)/D)², the distance of Cramér and von Mises between the
  /// probability integral transforms of the D sub-pixels and the uniform distribution that they have
  /// where the model is right: it sees what keeps the mean surprise as it was, such as too little
  /// noise (Dawid 1984, doi:10.2307/2981683, for the transform).
  static let pitDistance = Score(
    "pit_distance", "distance of the sub-pixels' ranks under the model from uniform", needs: .pit
  ) { evidence, _ in
    let count = Double(evidence.dimension)
    var distance = 1 / (12 * count)
    for (k, u) in evidence.pit.sorted().enumerated() {
      let gap = Double(u) - (Double(k) + 0.5) / count
      distance += gap * gap
    }
    return distance
  }
}
