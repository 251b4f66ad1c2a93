import Foundation
import Images
import Tensors

/// The conditionals of a mixture of densities, p(x) = Σ_y p(y) p(x | y): at each sub-pixel the mean of the
/// members', each weighted by p(y | x_<i), how well it has foretold what came before. Their product is
/// p(x), so all that holds of a density holds of it.
public struct MixedConditionals: PixelDistribution {
  /// The conditionals given each y, of the same sub-pixels.
  public let members: [any PixelDistribution]
  /// log p(y, what came before each step), to a constant a step: `[members][N · steps]`.
  let logWeights: [[Double]]
  let images: Int
  let subpixelsAStep: Int

  /// - Parameter logWeights: log p(y, x before each step), `[members][N · steps]`.
  public init(
    _ members: [any PixelDistribution], logWeights: [[Double]], images: Int, subpixelsAStep: Int
  ) {
    precondition(
      !members.isEmpty && members.count == logWeights.count, "each member has its weights")
    self.members = members
    self.logWeights = logWeights
    self.images = images
    self.subpixelsAStep = subpixelsAStep
  }

  private var steps: Int { logWeights[0].count / images }

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    let terms = members.map { $0.logProbability(of: symbols, in: context) }
    let values = terms.map(\.value.values)
    var result = [Double](repeating: 0, count: values[0].count)
    // p(y | x_≤i), `[members][N · D]`: all that a way back needs.
    var posteriors = context.tape == nil ? [] : values
    var weights = logWeights.map { $0[0] }
    for place in result.indices {
      if place % subpixelsAStep == 0 {
        for y in weights.indices { weights[y] = logWeights[y][place / subpixelsAStep] }
      }
      let before = logSumExp(weights)
      for y in weights.indices { weights[y] += values[y][place] }
      let after = logSumExp(weights)
      // What no member holds possible stays so.
      result[place] = before > -.infinity ? after - before : -.infinity
      for y in posteriors.indices { posteriors[y][place] = exp(weights[y] - after) }
    }
    let y = Tensor(terms[0].shape, terms[0].value.precision)
    y.write(result)
    let d = result.count / images
    return context.record(y, from: terms) { dy, gradients in
      let dy = dy.values
      for (term, posteriors) in zip(terms, posteriors) {
        let share = Tensor(term.shape, term.value.precision)
        share.write(Self.pullback(dy, posteriors, images: images, d))
        gradients.add(share, to: term.slot)
      }
    }
  }

  /// Of Σ dy_i (log Σ_y exp a_y,i − log Σ_y exp a_y,i−1), a_y,i = log p(y) + Σ_{j ≤ i} t_y,j, in t_y.
  private static func pullback(
    _ dy: [Double], _ posteriors: [Double], images: Int, _ d: Int
  ) -> [Double] {
    var result = [Double](repeating: 0, count: dy.count)
    for n in 0..<images {
      // What later sub-pixels gain from the weight that this one moves.
      var later = 0.0
      for place in (n * d..<(n + 1) * d).reversed() {
        result[place] = dy[place] * posteriors[place] + later
        if place > n * d { later += dy[place] * (posteriors[place] - posteriors[place - 1]) }
      }
    }
    return result
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let first = subpixel / subpixelsAStep * subpixelsAStep
    var weights = logWeights.map { $0[image * steps + first / subpixelsAStep] }
    for place in first..<subpixel {
      let known = given.dropLast(subpixel - place)
      let level = Int(given[given.endIndex - (subpixel - place)])
      for (y, member) in members.enumerated() {
        weights[y] += log(member.probabilities(image: image, subpixel: place, given: known)[level])
      }
    }
    let total = logSumExp(weights)
    var mean: [Double] = []
    for (y, member) in members.enumerated() where weights[y] > -.infinity || y == 0 {
      let share = exp(weights[y] - total)
      let own = member.probabilities(image: image, subpixel: subpixel, given: given)
      mean = mean.isEmpty ? own.map { share * $0 } : zip(mean, own).map { $0 + share * $1 }
    }
    return mean
  }
}
