import Foundation
import Tensors

extension Head {
  public static func normal(_ levels: Int) -> Head { Head(.normal, levels: levels) }
}

extension Head.Kind {
  /// Mean and log standard deviation of a normal distribution: what a Gaussian density's conditionals are.
  public static let normal = Head.Kind(
    name: "normal", summary: "the share of a normal distribution in each level's bin",
    levels: 2...256,
    outputs: { _, _ in 2 },
    bias: { head, logFrequencies in
      let weights = logFrequencies[0].map { exp($0 - logFrequencies[0].max()!) }
      let total = weights.reduce(0, +)
      func mean(_ value: (Double) -> Double) -> Double {
        weights.enumerated().reduce(0) {
          $0 + $1.element * value(Double($1.offset) / Double(head.levels - 1))
        } / total
      }
      let centre = mean { $0 }
      // Levels are rounded numbers: a twelfth of a bin squared.
      let rounding = 1 / (12 * pow(Double(head.levels - 1), 2))
      return [centre, log(mean { ($0 - centre) * ($0 - centre) } + rounding) / 2]
    },
    distribution: { outputs, head, _ in DiscretisedNormal(outputs: outputs, levels: head.levels) })
}

/// K levels, intensities 0…1, under a normal distribution of mean μ and deviation τ:
///
///     p(l) = Φ((e_l − μ) / τ) − Φ((e_(l−1) − μ) / τ),   e_l = (l + ½) / (K − 1)
///
/// where the lowest level takes all that lies below it too and the highest all above, so they sum to
/// one.
public struct DiscretisedNormal: PixelDistribution {
  /// μ and ln τ, `[N, D, 2]`.
  public let outputs: Variable
  public let levels: Int

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    let values = outputs.value.values
    precondition(
      2 * symbols.count == values.count, "\(symbols.count) symbols, outputs \(outputs.shape)")
    let y = Tensor([outputs.shape[0], outputs.shape[1]], context.wide)
    let bins = symbols.indices.map { bin(values[2 * $0], values[2 * $0 + 1], symbols[$0]) }
    let logs = bins.map(\.logShare)
    y.write(logs)
    return context.record(y, from: [outputs]) { dy, gradients in
      let gradient = Tensor(outputs.shape, outputs.value.precision)
      gradient.write(
        zip(dy.values, zip(bins, logs)).flatMap { dy, pair in
          let slopes = pair.0.slopes(logShare: pair.1)
          return [dy * slopes.byMean, dy * slopes.byLogDeviation]
        })
      gradients.add(gradient, to: outputs.slot)
    }
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let place = 2 * (image * outputs.shape[1] + subpixel)
    let (mean, log) = (outputs.value.element(place), outputs.value.element(place + 1))
    return (0..<levels).map { exp(bin(mean, log, UInt8($0)).logShare) }
  }

  /// The first level up to whose end lies more than the uniform number.
  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    var symbols: [UInt8] = []
    for (image, uniform) in uniforms.enumerated() {
      let place = 2 * (image * outputs.shape[1] + subpixel)
      let (mean, log) = (outputs.value.element(place), outputs.value.element(place + 1))
      guard mean.isFinite, log.isFinite else { return nil }
      var (low, high) = (0, levels - 1)
      while low < high {
        let middle = (low + high) / 2
        let end = bin(mean, log, UInt8(middle)).upper
        if NormalBin.share(below: end) > uniform { high = middle } else { low = middle + 1 }
      }
      symbols.append(UInt8(low))
    }
    return symbols
  }

  private func bin(_ mean: Double, _ logDeviation: Double, _ level: UInt8) -> NormalBin {
    NormalBin(of: level, of: levels, mean, logDeviation)
  }
}

/// What lies of a normal distribution between two ends, in deviations from its mean.
struct NormalBin {
  let lower: Double
  let upper: Double
  /// 1 / τ.
  let inverse: Double

  /// That of a level.
  init(of level: UInt8, of levels: Int, _ mean: Double, _ logDeviation: Double) {
    // Within what exp and its inverse hold.
    let inverse = exp(-min(max(logDeviation, -300), 300))
    func end(_ place: Double) -> Double { (place / Double(levels - 1) - mean) * inverse }
    lower = level == 0 ? -.infinity : end(Double(level) - 0.5)
    upper = Int(level) == levels - 1 ? .infinity : end(Double(level) + 0.5)
    self.inverse = inverse
  }

  private var width: Double { upper - lower }
  private var middle: Double { (lower + upper) / 2 }

  /// Of a narrow bin, the share over width times density at its middle, less one: (m² − 1) w² / 24, but for
  /// terms of (m w)⁴. Nil where it is not narrow.
  private var narrow: Double? {
    width * max(1, abs(middle)) < 1e-3
      ? (middle * width * middle * width - width * width) / 24 : nil
  }

  /// ln(Φ(upper) − Φ(lower)), in the tails too.
  var logShare: Double {
    // A narrow bin, where the difference of the ends would have few digits left.
    if let narrow { return Self.logDensity(middle) + log(width) + log1p(narrow) }
    // On the side where both ends lie, or the mean in between.
    if lower >= 0 { return Self.logDifference(lower, upper) }
    if upper <= 0 { return Self.logDifference(-upper, -lower) }
    return log1p(-Self.tail(upper) - Self.tail(-lower))
  }

  /// Derivatives of `logShare` in the mean and the logarithm of the deviation.
  func slopes(logShare: Double) -> (byMean: Double, byLogDeviation: Double) {
    if let narrow {
      let (square, bend) = (middle * middle, width * width / (12 * (1 + narrow)))
      return (inverse * middle * (1 - bend), square - 1 - bend * (2 * square - 1))
    }
    func share(_ end: Double) -> Double {
      end.isInfinite ? 0 : exp(Self.logDensity(end) - logShare)
    }
    let (above, below) = (share(upper), share(lower))
    return (
      (below - above) * inverse,
      (lower.isInfinite ? 0 : lower * below) - (upper.isInfinite ? 0 : upper * above)
    )
  }

  /// Φ(x).
  static func share(below x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

  /// 1 − Φ(x).
  private static func tail(_ x: Double) -> Double { erfc(x / 2.0.squareRoot()) / 2 }

  /// ln(Φ(b) − Φ(a)), 0 ≤ a < b.
  private static func logDifference(_ a: Double, _ b: Double) -> Double {
    let (whole, rest) = (logTail(a), logTail(b))
    return whole + log1p(-exp(rest - whole))
  }

  /// ln(1 − Φ(x)), x ≥ 0: beyond what erfc holds by its asymptotic series.
  private static func logTail(_ x: Double) -> Double {
    if x < 30 { return log(tail(x)) }
    if x == .infinity { return -.infinity }
    let square = 1 / (x * x)
    return logDensity(x) - log(x)
      + log1p(
        -square
          * (1 - square * (3 - square * (15 - square * (105 - square * (945 - 10395 * square))))))
  }

  private static func logDensity(_ x: Double) -> Double { -(x * x + log(2 * .pi)) / 2 }
}
