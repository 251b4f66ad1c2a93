import Generation
import Images
import Models
import Randomness
import Tensors

/// A density that an attacker knows, and its gradient in the pixels.
public struct KnownDensity {
  public let model: any DensityModel
  public let engine: Engine
  private let prepared = PreparedWeights()

  public init(_ model: any DensityModel, on engine: Engine) {
    self.model = model
    self.engine = engine
  }

  /// Images as symbols of the density.
  func symbols(of images: [[Float]]) -> PixelBatch {
    let top = Float(model.head.levels - 1)
    return PixelBatch(
      count: images.count, height: model.image.height, width: model.image.width,
      channels: model.image.channels, levels: model.head.levels,
      symbols: images.flatMap { $0.map { UInt8(max(0, min(top, ($0 * top).rounded()))) } })
  }

  /// The gradient of log p in each image's pixels, at the nearest levels: by what later sub-pixels make of
  /// each one, the model's own gradient; by what earlier ones made of it, half the difference between the
  /// levels beside its own.
  func gradient(at images: [[Float]]) -> [[Float]] {
    let batch = symbols(of: images)
    let (count, dimension) = (images.count, model.image.dimension)
    let top = model.head.levels - 1
    let value = Tensor([count, dimension], engine.wide)
    value.write(batch.symbols.map { Double($0) / Double(top) })
    let pixels = Parameter(name: "pixels", value: value, decays: false)
    let context = Context(
      engine, tape: Tape(), prepared: prepared, pixels: pixels, weightsAreConstant: true)
    let conditionals = model.conditionals(batch, in: context)
    let plain = Context(engine, prepared: prepared)
    func logProbability(_ shift: Int) -> [Double] {
      conditionals.logProbability(
        of: batch.symbols.map { UInt8(max(0, min(top, Int($0) + shift))) }, in: plain
      ).value.values
    }
    let (above, below) = (logProbability(1), logProbability(-1))
    let gradients = context.gradients(
      of: conditionals.logProbability(of: batch, in: context), seed: 1)
    var all = gradients[pixels]?.values ?? [Double](repeating: 0, count: count * dimension)
    for i in all.indices {
      let own = Int(batch.symbols[i])
      let apart = min(top, own + 1) - max(0, own - 1)
      all[i] += (above[i] - below[i]) * Double(top) / Double(max(1, apart))
    }
    return (0..<count).map { n in all[n * dimension..<(n + 1) * dimension].map { Float($0) } }
  }
}

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
        let isRight = logits[n].firstIndex(of: logits[n].max()!)! == labels[n]
        let climb = isRight ? gradient[n] : across(likely[n], gradient[n])
        let move = ball.direction(of: climb).map { length * $0 }
        x[n] = ball.nearest(to: zip(x[n], move).map { $0 + $1 }, around: images[n])
      }
      let eight = x.map(rounded)
      let told = victim.mostProbable(eight)
      let logP = density.model.logProbability(
        of: density.symbols(of: eight), in: Context(density.engine))
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
    let purifier = Purifier(density.model, in: Context(density.engine), reach: reach)
    let length = 2.5 * ball.radius / Float(steps)
    var x = images
    var best = images
    var highest = [Float](repeating: -.infinity, count: images.count)
    for step in 0...steps {
      guard let purified = purified(x.map(rounded), purifier, density) else { return nil }
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

  private func purified(_ images: [[Float]], _ purifier: Purifier, _ density: KnownDensity)
    -> [[Float]]?
  {
    guard let batch = try? purifier.purify(density.symbols(of: images)) else { return nil }
    let (dimension, top) = (batch.dimension, Float(batch.levels - 1))
    return (0..<batch.count).map { n in
      batch.symbols[n * dimension..<(n + 1) * dimension].map { Float($0) / top }
    }
  }
}
