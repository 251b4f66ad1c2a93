import Foundation
import Images
import Tensors

extension Head {
  public static func categorical(_ levels: Int) -> Head { Head(.categorical, levels: levels) }
}

extension Head.Kind {
  /// A logit a level: p = softmax(logits).
  public static let categorical = Head.Kind(
    name: "categorical", summary: "p = softmax(logits), a logit a level", levels: 2...256,
    outputs: { head, _ in head.levels },
    bias: { _, logFrequencies in
      let mean = logFrequencies[0].reduce(0, +) / Double(logFrequencies[0].count)
      return logFrequencies[0].map { $0 - mean }
    },
    distribution: { outputs, _, _ in Categorical(logits: outputs) })
}

/// K levels: p = softmax(logits).
public struct Categorical: PixelDistribution {
  /// `[N, D, K]`.
  public let logits: Variable

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    context.categoricalLogProbability(logits, of: symbols)
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let levels = logits.shape[2]
    let first = (image * logits.shape[1] + subpixel) * levels
    let row = (first..<first + levels).map(logits.value.element)
    let top = row.max()!
    let weights = row.map { exp($0 - top) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  public func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    context.backend.drawCategorical(logits.value.step(subpixel), uniforms)
  }

  public static func fusedMeasures(
    of batch: PixelBatch, under members: [Categorical], _ kinds: Measures.Kinds,
    in context: Context
  ) -> Measures? {
    context.measureKernels(for: members.map(\.logits)).map { kernels, logits in
      kernels.categoricalMeasures(of: batch, under: logits, kinds)
    }
  }
}
