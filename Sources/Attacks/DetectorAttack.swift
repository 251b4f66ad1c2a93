/// Fools the classifier and a detector by likelihood at once: as long as the classifier is right, a step
/// climbs its loss; once it is fooled, one climbs log p, without what would take the loss down again
/// (orthogonal projected gradient descent; Bryniarski et al. 2022, arXiv:2106.15023). Of all points on the
/// way, as eight bits, the likeliest counts that fools the classifier.
public struct DetectorAttack: Attack {
  public let ball: Ball
  public let steps: Int
  public let density: KnownDensity

  public init(_ ball: Ball, steps: Int, density: KnownDensity) {
    (self.ball, self.steps, self.density) = (ball, steps, density)
  }

  public func moved(
    _ images: [[Float]], _ labels: [Int], numbers: Range<Int>, by victim: Victim, seed: UInt64,
    progress: (_ images: Double) -> Bool
  ) -> [[Float]]? {
    var x = images
    var best = images
    var highest = [Double](repeating: -.infinity, count: images.count)
    for step in 0..<steps {
      // Shorter and shorter steps, in all two and a half times the radius.
      let length = 5 * ball.radius / Float(steps) * (1 - Float(step) / Float(steps))
      let (logits, gradient) = victim.gradient(at: x) { lossWeights($0, labels) }
      let likely = density.gradient(at: x)
      for n in images.indices {
        let isRight = winner(logits[n]) == labels[n]
        let climb = isRight ? gradient[n] : across(likely[n], gradient[n])
        let move = ball.direction(of: climb).map { length * $0 }
        x[n] = ball.nearest(to: zip(x[n], move).map { $0 + $1 }, around: images[n])
      }
      let eight = x.map(rounded)
      let told = victim.mostProbable(eight)
      let logP = density.logProbability(of: eight)
      for n in images.indices where told[n] != labels[n] && logP[n] > highest[n] {
        (best[n], highest[n]) = (eight[n], logP[n])
      }
      guard progress(Double(images.count) / Double(steps)) else { return nil }
    }
    for n in images.indices where highest[n] == -.infinity { best[n] = x[n] }
    return best
  }

  /// What of a direction is at right angles to another.
  private func across(_ a: [Float], _ b: [Float]) -> [Float] {
    let square = b.reduce(0) { $0 + $1 * $1 }
    guard square > 0 else { return a }
    let along = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / square
    return zip(a, b).map { $0 - along * $1 }
  }
}
