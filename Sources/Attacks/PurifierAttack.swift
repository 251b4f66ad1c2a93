/// Fools the classifier behind a purifier: images are purified at each step, and the gradient of what comes
/// out is taken for that of what went in (backward pass differentiable approximation; Athalye et al. 2018,
/// arXiv:1802.00420, section 4.1.1). Of all points on the way, as eight bits, the one of the highest loss
/// behind the purifier counts.
public struct PurifierAttack: Attack {
  public let ball: Ball
  public let steps: Int
  /// The most that the purifier moves an intensity, levels.
  public let reach: Int
  public let density: KnownDensity

  public init(
    _ ball: Ball, steps: Int, reach: Int, density: KnownDensity
  ) {
    (self.ball, self.steps, self.reach, self.density) = (ball, steps, reach, density)
  }

  public func moved(
    _ images: [[Float]], _ labels: [Int], numbers: Range<Int>, by victim: Victim, seed: UInt64,
    progress: (_ images: Double) -> Bool
  ) -> [[Float]]? {
    let length = 2.5 * ball.radius / Float(steps)
    var x = images
    var best = images
    var highest = [Float](repeating: -.infinity, count: images.count)
    for step in 0...steps {
      guard let purified = density.purified(x.map(rounded), reach: reach) else { return nil }
      let (logits, gradient) = victim.gradient(at: purified) { lossWeights($0, labels) }
      for (n, loss) in losses(logits, labels).enumerated() where loss > highest[n] {
        (best[n], highest[n]) = (rounded(x[n]), loss)
      }
      if step == steps { break }
      for n in images.indices {
        let move = ball.direction(of: gradient[n]).map { length * $0 }
        x[n] = ball.nearest(to: zip(x[n], move).map { $0 + $1 }, around: images[n])
      }
      guard progress(Double(images.count) / Double(steps)) else { return nil }
    }
    return best
  }
}
