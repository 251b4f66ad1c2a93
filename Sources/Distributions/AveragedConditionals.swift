import Foundation
import Tensors

/// The mean of several conditional distributions of the same sub-pixels in the same order: itself a
/// distribution, because each mean of probabilities given the same past sums to one.
///
/// For inference only: no gradient flows through it.
public struct AveragedConditionals: PixelDistribution {
  public let members: [any PixelDistribution]

  public init(_ members: [any PixelDistribution]) {
    precondition(!members.isEmpty, "a mean needs a member")
    self.members = members
  }

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    precondition(context.tape == nil, "an average of conditionals is for inference")
    let terms = members.map { $0.logProbability(of: symbols, in: context).value }
    let values = terms.map(\.values)
    let mean = Tensor(terms[0].shape, terms[0].precision)
    mean.write(
      values[0].indices.map { i in
        let top = values.map { $0[i] }.max()!
        // Impossible under every member.
        guard top > -.infinity else { return top }
        let sum = values.reduce(0) { $0 + exp($1[i] - top) }
        return top + log(sum / Double(values.count))
      })
    return Variable(mean)
  }

  public func probabilities(image: Int, subpixel: Int) -> [Double] {
    let all = members.map { $0.probabilities(image: image, subpixel: subpixel) }
    return all[0].indices.map { level in
      all.reduce(0) { $0 + $1[level] } / Double(all.count)
    }
  }
}
