import Foundation
import Heads
import Tensors
import TestSupport
import Testing

@Suite struct Averages {
  let context = Context(.reference)

  private func member(_ head: Head, _ name: String, scale: Double = 3) -> any PixelDistribution {
    let shape: Shape = [2, 3 * head.outputs(channels: 1)]
    let values = randomTensor(shape, .float64, name).values.map { scale * $0 }
    return head.distribution(Variable(Tensor(shape, .float64, values: values)), channels: 1)
  }

  @Test(arguments: [Head.bernoulli, .categorical(5)])
  func equalTheMeanAndSumToOne(_ head: Head) {
    let members = ["a", "b", "c"].map { member(head, $0) }
    let average = AveragedConditionals(members)
    for place in 0..<6 {
      let (image, subpixel) = (place / 3, place % 3)
      let found = average.probabilities(image: image, subpixel: subpixel)
      let all = members.map { $0.probabilities(image: image, subpixel: subpixel) }
      expectClose(
        found, found.indices.map { level in (all[0][level] + all[1][level] + all[2][level]) / 3 },
        tolerance: 1e-14)
      #expect(abs(found.reduce(0, +) - 1) < 1e-12)
    }
  }

  @Test(arguments: [Head.bernoulli, .categorical(5)])
  func scoreWhatTheyDraw(_ head: Head) {
    let average = AveragedConditionals([member(head, "a"), member(head, "b")])
    let symbols = (0..<6).map { UInt8($0 % head.levels) }
    let found = average.logProbability(of: symbols, in: context).value
    #expect(found.shape == [2, 3])
    expectClose(
      found.values,
      symbols.enumerated().map { place, symbol in
        log(average.probabilities(image: place / 3, subpixel: place % 3)[Int(symbol)])
      }, tolerance: 1e-13)
  }

  @Test("a mean of probabilities too small for a double is still right as a logarithm")
  func underflow() {
    let members = [-2000.0, -2000].map { logit in
      Head.bernoulli.distribution(Variable(Tensor([1, 1], .float64, values: [logit])), channels: 1)
    }
    let found = AveragedConditionals(members).logProbability(of: [1], in: context).value.values
    expectClose(found, [-2000], tolerance: 1e-12)
  }

  @Test("where every member rules a symbol out, so does the mean")
  func impossible() {
    let never = Head.bernoulli.distribution(
      Variable(Tensor([1, 1], .float64, values: [-.infinity])), channels: 1)
    let found = AveragedConditionals([never, never]).logProbability(of: [1], in: context)
    #expect(found.value.values == [-.infinity])
  }

  @Test func ofOneIsTheMember() {
    let one = member(.categorical(4), "a")
    let average = AveragedConditionals([one])
    expectClose(
      average.logProbability(of: [0, 1, 2, 3, 0, 1], in: context).value.values,
      one.logProbability(of: [0, 1, 2, 3, 0, 1], in: context).value.values, tolerance: 1e-15)
  }
}
