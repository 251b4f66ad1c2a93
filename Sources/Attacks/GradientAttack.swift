import Randomness

/// Attacks that climb −log p(label) within a ball around each image, one step or many: the fast gradient
/// sign method (Goodfellow et al. 2015, arXiv:1412.6572, equation 1), its iteration (Kurakin et al. 2017,
/// arXiv:1607.02533), and projected gradient descent (Madry et al. 2018, arXiv:1706.06083), which starts
/// anywhere in the ball and may start again.
///
///     x ← nearest in the ball to x + α · direction(∇ −log p(label | x))
///
/// Of several starts the first that fools the classifier counts, or else the one of the highest loss.
public struct GradientAttack: Attack {
  public let ball: Ball
  /// α: length of a step, in the ball's norm.
  public let step: Float
  public let steps: Int
  /// Whether it begins at a draw from the ball, and how often; 0: at the image, once.
  public let starts: Int

  /// A step of all of ε, along the gradient's signs.
  public static func fgsm(epsilon: Float) -> GradientAttack {
    GradientAttack(ball: .box(epsilon), step: epsilon, steps: 1, starts: 0)
  }

  /// Many steps from the image itself.
  public static func bim(epsilon: Float, steps: Int) -> GradientAttack {
    GradientAttack(
      ball: .box(epsilon), step: stepLength(epsilon, steps), steps: steps, starts: 0)
  }

  /// Many steps from draws of the ball.
  public static func pgd(_ ball: Ball, steps: Int, starts: Int = 1) -> GradientAttack {
    GradientAttack(
      ball: ball, step: stepLength(ball.radius, steps), steps: steps, starts: max(1, starts))
  }

  /// So that two and a half times the ball's radius can be gone (Madry et al.).
  private static func stepLength(_ radius: Float, _ steps: Int) -> Float {
    2.5 * radius / Float(steps)
  }

  public func moved(
    _ images: [[Float]], _ labels: [Int], numbers: Range<Int>, by victim: Victim, seed: UInt64,
    progress: (_ images: Double) -> Bool
  ) -> [[Float]]? {
    var best = images
    var highest = [Float](repeating: -.infinity, count: images.count)
    var left = Array(images.indices)
    let share = Double(images.count) / Double(max(1, starts) * steps)
    for start in 0..<max(1, starts) where !left.isEmpty {
      var x = left.map { place in
        guard starts > 0 else { return images[place] }
        var stream = RandomStream(seed: seed, "attack", numbers.lowerBound + place, start)
        return ball.nearest(
          to: added(images[place], ball.draw(images[place].count, &stream)),
          around: images[place])
      }
      let told = left.map { labels[$0] }
      for _ in 0..<steps {
        let (_, gradient) = victim.gradient(at: x) { lossWeights($0, told) }
        for (n, place) in left.enumerated() {
          let move = ball.direction(of: gradient[n]).map { step * $0 }
          x[n] = ball.nearest(to: zip(x[n], move).map { $0 + $1 }, around: images[place])
        }
        guard progress(share) else { return nil }
      }
      // As eight bits, in which they will be judged.
      let logits = victim.logits(of: x.map(rounded))
      var unfooled: [Int] = []
      for (n, (place, loss)) in zip(left, losses(logits, told)).enumerated() {
        let fools = winner(logits[n]) != told[n]
        if fools || loss > highest[place] { (best[place], highest[place]) = (x[n], loss) }
        if !fools { unfooled.append(place) }
      }
      left = unfooled
    }
    return best
  }
}
