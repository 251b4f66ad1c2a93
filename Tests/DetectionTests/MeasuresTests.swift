import CPU
import Detection
import Foundation
import Heads
import Images
import Models
import Randomness
import Tensors
import TestSupport
import Testing

/// Shows its probabilities and nothing else.
private struct ProbabilitiesAlone: PixelDistribution {
  let distribution: any PixelDistribution

  func logProbability(of symbols: [UInt8], in context: Context) -> Variable {
    distribution.logProbability(of: symbols, in: context)
  }

  func probabilities(image: Int, subpixel: Int, given: ArraySlice<UInt8>) -> [Double] {
    distribution.probabilities(image: image, subpixel: subpixel, given: given)
  }

  func draw(
    subpixel: Int, given: [UInt8], _ uniforms: [Double], in context: Context
  ) -> [UInt8]? {
    distribution.draw(subpixel: subpixel, given: given, uniforms, in: context)
  }
}

/// The kernels against the definitions in double precision.
@Suite struct MeasuresTests {
  let needs: Evidence.Needs = [.moments, .pit, .levels]

  private func expectDefinitions(
    _ batch: PixelBatch, _ conditionals: any PixelDistribution, _ what: String,
    within tolerance: Double = 1e-5
  ) {
    let fast = Measures(of: batch, under: conditionals, needs)
    let plain = Measures(of: batch, under: ProbabilitiesAlone(distribution: conditionals), needs)
    for (name, measure) in [
      ("surprise", \Measures.surprise), ("entropy", \.entropy), ("variance", \.variance),
      ("pit", \.pit), ("level error", \.levelError), ("level variance", \.levelVariance),
    ] {
      let (found, expected) = (fast[keyPath: measure], plain[keyPath: measure])
      #expect(found.count == batch.symbols.count && expected.count == found.count)
      // The variance of levels is a difference of squares.
      let tolerance = Float(name == "level variance" ? 10 * tolerance : tolerance)
      let far = zip(found, expected).first { !(abs($0 - $1) <= tolerance * max(1, abs($1))) }
      #expect(far == nil, "\(what): \(name) \(far.map { "\($0)" } ?? "")")
    }
  }

  @Test(arguments: ModelCase.small) func everyFamilyAndHead(model: ModelCase) throws {
    let (density, _) = try model.build(precision: .float32, spread: 2)
    let batch = model.randomBatch(5)
    let context = Context(Engine(CPUBackend.shared, .float32))
    expectDefinitions(batch, density.conditionals(batch, in: context), model.testDescription)
  }

  /// Logits as the default models have them, and such as a broken one might.
  @Test(arguments: [2, 3, 16, 17, 255, 256], [0.1, 3, 30])
  func everyNumberOfLevels(levels: Int, scale: Double) {
    var random = RandomStream(seed: 5, "logits", levels)
    let batch = PixelBatch(
      count: 3, height: 5, width: 7, channels: 1, levels: levels,
      symbols: (0..<105).map { _ in UInt8(random.integer(below: levels)) })
    func logits(_ outputs: Int) -> Variable {
      Variable(
        Tensor(
          [3, 35 * outputs], .float32,
          values: (0..<105 * outputs).map { _ in scale * (2 * random.uniform() - 1) }))
    }
    let categorical = Head.categorical(levels)
    expectDefinitions(batch, categorical.distribution(logits(levels), channels: 1), "categorical")
    let members = (0..<3).map { _ in categorical.distribution(logits(levels), channels: 1) }
    expectDefinitions(batch, AveragedConditionals(members), "three categoricals", within: 1e-4)
    if levels == 2 {
      expectDefinitions(batch, Head.bernoulli.distribution(logits(1), channels: 1), "Bernoulli")
      let members = (0..<3).map { _ in Head.bernoulli.distribution(logits(1), channels: 1) }
      expectDefinitions(batch, AveragedConditionals(members), "three Bernoullis", within: 1e-4)
    }
  }

  @Test func huge() {
    let batch = PixelBatch(
      count: 1, height: 1, width: 4, channels: 1, levels: 2, symbols: [0, 1, 0, 1])
    let logits = Variable(Tensor([1, 4], .float32, values: [1e4, 1e4, -1e4, -1e4]))
    let measures = Measures(
      of: batch, under: Head.bernoulli.distribution(logits, channels: 1), needs)
    let bits = Float(1e4 / M_LN2)
    for (found, expected) in zip(measures.surprise, [bits, 0, 0, bits]) {
      #expect(abs(found - expected) < 0.01)
    }
    #expect((measures.entropy + measures.variance).allSatisfy { $0 >= 0 && $0 < 1e-6 })
    #expect(measures.pit.allSatisfy { (0...1).contains($0) })
    let three = Variable(
      Tensor([1, 12], .float32, values: (0..<12).map { $0 % 3 == 0 ? 1e6 : -1e6 }))
    let categorical = Measures(
      of: PixelBatch(count: 1, height: 1, width: 4, channels: 1, levels: 3, symbols: [0, 1, 2, 0]),
      under: Head.categorical(3).distribution(three, channels: 1), needs)
    #expect(categorical.surprise[0] == 0 && categorical.surprise[1] > 2e6)
    #expect((categorical.entropy + categorical.variance).allSatisfy { $0 >= 0 && $0 < 1e-6 })
  }

  @Test func whatIsNotNumbersStaysSo() {
    let batch = PixelBatch(
      count: 1, height: 1, width: 2, channels: 1, levels: 3, symbols: [0, 1])
    for broken in [Double.nan, .infinity] {
      let logits = Variable(Tensor([1, 6], .float32, values: [broken, 1, 1, 0, 1, 2]))
      let measures = Measures(
        of: batch, under: Head.categorical(3).distribution(logits, channels: 1), needs)
      #expect(measures.surprise[0].isNaN && measures.entropy[0].isNaN)
      #expect(measures.surprise[1].isFinite && measures.entropy[1].isFinite)
    }
  }

  @Test func thePITIsUniformAndBelongsToTheImage() {
    // 200 sub-pixels of p = (0.1, 0.2, 0.7), drawn from it.
    var random = RandomStream(seed: 6, "drawn")
    let levels = (0..<4000).map { _ in
      let u = random.uniform()
      return UInt8(u < 0.1 ? 0 : u < 0.3 ? 1 : 2)
    }
    let logits = Variable(
      Tensor([2, 12_000], .float32, values: (0..<24_000).map { log([0.1, 0.2, 0.7][$0 % 3]) }))
    let measures = Measures(
      of: PixelBatch(
        count: 2, height: 80, width: 50, channels: 1, levels: 3, symbols: levels + levels),
      under: Head.categorical(3).distribution(logits, channels: 1), .pit)
    #expect(measures.entropy.isEmpty)
    #expect(measures.pit[..<4000] == measures.pit[4000...])
    let sorted = measures.pit[..<4000].sorted()
    let distance = sorted.enumerated().map { abs(Double($1) - (Double($0) + 0.5) / 4000) }.max()!
    // Kolmogorov–Smirnov at one in a thousand.
    #expect(distance < 1.95 / 4000.0.squareRoot())
  }
}
