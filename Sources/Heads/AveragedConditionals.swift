import Foundation
import Images
import Tensors

/// The mean of several conditional distributions of the same sub-pixels in the same order: itself a
/// distribution, because each mean of probabilities given the same past sums to one.
public struct AveragedConditionals: PixelDistribution {
  public let members: [any PixelDistribution]

  public init(_ members: [any PixelDistribution]) {
    precondition(!members.isEmpty, "a mean needs a member")
    self.members = members
  }

  public func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    context.logMeanExp(members.map { $0.logProbability(of: symbols, in: context) })
  }

  public func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    let all = members.map { $0.probabilities(image: image, subpixel: subpixel, given: given) }
    return all[0].indices.map { level in
      all.reduce(0) { $0 + $1[level] } / Double(all.count)
    }
  }

  /// By the members' own kernel, where they are of one kind.
  public static func fusedMeasures(
    of batch: PixelBatch, under means: [AveragedConditionals], _ kinds: Measures.Kinds,
    in context: Context
  ) -> Measures? {
    func measures<Member: PixelDistribution>(_ first: Member) -> Measures? {
      let members = means[0].members.compactMap { $0 as? Member }
      guard means.count == 1, members.count == means[0].members.count else { return nil }
      return Member.fusedMeasures(of: batch, under: members, kinds, in: context)
    }
    return measures(means[0].members[0])
  }
}

extension Context {
  /// log of the mean of exp x over the members, element by element.
  func logMeanExp(_ members: [Variable]) -> Variable {
    let values = members.map(\.value.values)
    let mean = Tensor(members[0].shape, members[0].value.precision)
    let means = values[0].indices.map { i in
      let top = values.map { $0[i] }.max()!
      // Impossible under every member.
      guard top > -.infinity else { return top }
      return top + log(values.reduce(0) { $0 + exp($1[i] - top) } / Double(values.count))
    }
    mean.write(means)
    return record(mean, from: members) { dy, gradients in
      let dy = dy.values
      for (member, values) in zip(members, values) {
        let share = Tensor(member.shape, member.value.precision)
        share.write(
          dy.indices.map { dy[$0] * exp(values[$0] - means[$0]) / Double(members.count) })
        gradients.add(share, to: member.slot)
      }
    }
  }
}
