import Foundation
import Images
import Tensors

extension Head {
  public static func gaussianMixture(_ levels: Int, components: Int = usualComponents) -> Head {
    Head(.gaussianMixture, levels: levels, components: components)
  }
}

extension Head.Kind {
  /// A mixture of normal distributions for each sub-pixel, with which NADE is RNADE (Uria, Murray and
  /// Larochelle 2013, arXiv:1306.0186).
  public static let gaussianMixture = Head.Kind(
    name: "gaussian-mixture",
    summary: "the share of a mixture of normal distributions in each level's bin",
    levels: 2...256, components: 1...64,
    outputs: { head, _ in 3 * head.components! },
    bias: { head, logFrequencies in
      NormalMixture.bias(head.levels, components: head.components!, logFrequencies[0])
    },
    distribution: { outputs, head, _ in NormalMixture(outputs: outputs, levels: head.levels) },
    frame: { head in
      let count = head.components!
      // From very sharp to wide: of what a regression leaves over most is small.
      let logs = (0..<count).map { log(2 * pow(0.025, 1 - (Double($0) + 0.5) / Double(count))) }
      return Head.Frame(
        locations: count..<2 * count, logDeviations: 2 * count..<3 * count,
        standard: Array(repeating: 0, count: 2 * count) + logs)
    })
}

/// K levels, intensities 0…1, under a mixture of normal distributions:
///
///     p(l) = Σ_k π_k [Φ((e_l − μ_k) / τ_k) − Φ((e_(l−1) − μ_k) / τ_k)],   e_l = (l + ½) / (K − 1)
///
/// π = softmax of the logits. The lowest level takes all that lies below it too and the highest all above,
/// so they sum to one.
///
/// RNADE is a density over dequantised values x + u, u uniform in a level's bin. This one is its exact share
/// of a bin, and so a density over those values too, the same all over a bin of width 1: its nats are those
/// of the density in units of a level. In units of the whole range there are D ln K fewer. By Jensen's
/// inequality no density over x + u scores better in the mean over u than its shares do.
public struct NormalMixture: PixelDistribution {
  /// Logits, μ and ln τ of the components, `[N, D, 3 M]`.
  public let outputs: Variable
  public let levels: Int

  /// The deviation below which all components are as narrow: an eighth of a bin.
  private var leastLogDeviation: Double { log(0.125 / Double(levels - 1)) }

  /// The components of one sub-pixel.
  private struct Components {
    /// ln π.
    var logWeights: [Double]
    let means: ArraySlice<Double>
    let logDeviations: [Double]
    /// Whether a deviation is its own, and not the least.
    let isFree: [Bool]

    /// Weight times share of a level, ln.
    func logShares(of level: UInt8, of levels: Int) -> (bins: [NormalBin], logs: [Double]) {
      let bins = zip(means, logDeviations).map { NormalBin(of: level, of: levels, $0, $1) }
      return (bins, zip(logWeights, bins).map { $0 + $1.logShare })
    }

    /// What lies below the end of a level.
    func share(below level: Int, of levels: Int) -> Double {
      guard level < levels - 1 else { return 1 }
      return zip(logWeights, zip(means, logDeviations)).reduce(0) { sum, part in
        let bin = NormalBin(of: UInt8(level), of: levels, part.1.0, part.1.1)
        return sum + exp(part.0) * NormalBin.share(below: bin.upper)
      }
    }
  }

  private func components(_ values: ArraySlice<Double>) -> Components {
    let count = values.count / 3
    let (first, least) = (values.startIndex, leastLogDeviation)
    // Less the largest: of very large ones ln Σ exp would not differ from it.
    let top = values[first..<first + count].max()!
    let logits = values[first..<first + count].map { $0 - top }
    let total = logSumExp(logits)
    let own = values[(first + 2 * count)...]
    return Components(
      logWeights: logits.map { $0 - total }, means: values[first + count..<first + 2 * count],
      logDeviations: own.map { $0.isNaN ? $0 : max($0, least) }, isFree: own.map { $0 > least })
  }

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    let (values, each) = (outputs.value.values, outputs.shape[2])
    precondition(
      symbols.count * each == values.count, "\(symbols.count) symbols, outputs \(outputs.shape)")
    let y = Tensor([outputs.shape[0], outputs.shape[1]], context.wide)
    let logs = inParallel(symbols.count, 1, context) { place in
      [
        logSumExp(
          components(values[place * each..<(place + 1) * each]).logShares(
            of: symbols[place], of: levels
          ).logs)
      ]
    }
    y.write(logs)
    return context.record(y, from: [outputs]) { dy, gradients in
      let dy = dy.values
      let gradient = Tensor(outputs.shape, outputs.value.precision)
      gradient.write(
        inParallel(symbols.count, each, context) { place in
          slopes(
            components(values[place * each..<(place + 1) * each]), symbols[place],
            logProbability: logs[place]
          ).map { dy[place] * $0 }
        })
      gradients.add(gradient, to: outputs.slot)
    }
  }

  /// Derivatives of ln p in logits, means and log deviations.
  private func slopes(_ parts: Components, _ level: UInt8, logProbability: Double) -> [Double] {
    let (bins, logs) = parts.logShares(of: level, of: levels)
    var (logits, means, deviations): ([Double], [Double], [Double]) = ([], [], [])
    for (k, bin) in bins.enumerated() {
      let share = exp(logs[k] - logProbability)
      logits.append(share - exp(parts.logWeights[k]))
      // A component too far away to count has no slope that does.
      let slopes =
        share > 0
        ? bin.slopes(logShare: logs[k] - parts.logWeights[k]) : (byMean: 0, byLogDeviation: 0)
      means.append(share * slopes.byMean)
      deviations.append(parts.isFree[k] ? share * slopes.byLogDeviation : 0)
    }
    return logits + means + deviations
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let parts = components(own(image, subpixel)[...])
    return (0..<levels).map { exp(logSumExp(parts.logShares(of: UInt8($0), of: levels).logs)) }
  }

  private func own(_ image: Int, _ subpixel: Int) -> [Double] {
    let each = outputs.shape[2]
    let first = (image * outputs.shape[1] + subpixel) * each
    return (first..<first + each).map(outputs.value.element)
  }

  /// The first level up to whose end lies more than the uniform number.
  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    var symbols: [UInt8] = []
    for (image, uniform) in uniforms.enumerated() {
      let own = own(image, subpixel)
      guard own.allSatisfy(\.isFinite) else { return nil }
      let parts = components(own[...])
      var (low, high) = (0, levels - 1)
      while low < high {
        let middle = (low + high) / 2
        if parts.share(below: middle, of: levels) > uniform {
          high = middle
        } else {
          low = middle + 1
        }
      }
      symbols.append(UInt8(low))
    }
    return symbols
  }

  /// By the definitions, in double precision, but that what is surprising keeps its digits.
  public static func fusedMeasures(
    of batch: PixelBatch, under members: [NormalMixture], _ kinds: Measures.Kinds,
    in context: Context
  ) -> Measures? {
    guard members.count == 1 else { return nil }
    return Measures(
      of: batch, byProbabilitiesOf: members[0],
      logProbabilities: members[0].logProbability(of: batch.symbols, in: context).value.values,
      kinds)
  }

  /// Component k stands at the middle of the k-th of equal parts of the levels, as wide as that.
  static func bias(_ levels: Int, components: Int, _ logFrequencies: [Double]) -> [Double] {
    let quantiles = Quantiles(logFrequencies)
    var (means, deviations): ([Double], [Double]) = ([], [])
    for k in 0..<components {
      let (from, to) = (Double(k) / Double(components), Double(k + 1) / Double(components))
      means.append(quantiles.level(at: (from + to) / 2) / Double(levels - 1))
      let width = (quantiles.level(at: to) - quantiles.level(at: from)) / Double(levels - 1)
      // The middle half of a normal distribution is 1.35 deviations wide.
      deviations.append(log(max(width / 1.35, 0.25 / Double(levels - 1))))
    }
    return Array(repeating: 0, count: components) + means + deviations
  }
}
