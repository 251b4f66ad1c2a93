import Foundation
import Tensors

/// K levels: p = softmax(logits).
public struct Categorical: PixelDistribution {
  /// `[N, D, K]`.
  public let logits: Variable

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    context.categoricalLogProbability(logits, of: symbols)
  }

  public func probabilities(image: Int, subpixel: Int) -> [Double] {
    let levels = logits.shape[2]
    let first = (image * logits.shape[1] + subpixel) * levels
    let row = (first..<first + levels).map(logits.value.element)
    let top = row.max()!
    let weights = row.map { exp($0 - top) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }
}
