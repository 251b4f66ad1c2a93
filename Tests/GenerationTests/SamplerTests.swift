import Foundation
import Generation
import Heads
import Images
import Models
import Tensors
import TestSupport
import Testing

/// Every image of a tiny shape, the last sub-pixel changing fastest.
func everyImage(_ modelCase: ModelCase) -> PixelBatch {
  let (d, levels) = (modelCase.image.dimension, modelCase.head.levels)
  let count = (0..<d).reduce(1) { product, _ in product * levels }
  var symbols: [UInt8] = []
  for code in 0..<count {
    var rest = code
    symbols += (0..<d).map { _ in
      defer { rest /= levels }
      return UInt8(rest % levels)
    }.reversed()
  }
  return PixelBatch(
    count: count, height: modelCase.image.height, width: modelCase.image.width,
    channels: modelCase.image.channels, levels: levels, symbols: symbols)
}

extension ModelCase {
  /// The class of image k.
  var label: ((Int) -> Int)? { classes.map { classes in { $0 % classes } } }
}

@Suite struct Sampling {
  let reference = Context(.reference)

  @Test("the incremental path draws the images of the plain one", arguments: ModelCase.small)
  func incrementalEqualsPlain(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    for options in [SamplingOptions(), SamplingOptions(temperature: 0.7, topK: 2, topP: 0.9)] {
      let quick = Sampler(model, in: reference, options: options, seed: 4, label: modelCase.label)
      let plain = Sampler(
        model, in: reference, options: options, seed: 4, path: .plain,
        label: modelCase.label)
      #expect(try quick.draw(count: 5) == plain.draw(count: 5))
    }
  }

  @Test("image k is the same in any count and group", arguments: ModelCase.small)
  func groups(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let together = try Sampler(model, in: reference, seed: 9, group: 8, label: modelCase.label)
      .draw(count: 8)
    let apart = try Sampler(model, in: reference, seed: 9, group: 3, label: modelCase.label).draw(
      count: 8)
    let fewer = try Sampler(model, in: reference, seed: 9, label: modelCase.label).draw(count: 2)
    #expect(together == apart)
    #expect(Array(together.symbols.prefix(fewer.symbols.count)) == fewer.symbols)
    if together.dimension > 1 {
      let other = try Sampler(model, in: reference, seed: 10, label: modelCase.label).draw(count: 8)
      #expect(together != other, "another seed draws the same")
    }
  }

  @Test(
    "images come as often as their probability says",
    arguments: ModelCase.families(.bernoulli, ImageShape(height: 3, width: 3, channels: 1))
      + ModelCase.families(.categorical(3), ImageShape(height: 2, width: 2, channels: 1))
      + ModelCase.families(.categorical(2), ImageShape(height: 1, width: 2, channels: 3))
      + ModelCase.families(
        .logisticMixture(3, components: 3), ImageShape(height: 1, width: 2, channels: 3))
      + ModelCase.families(.logisticMixture(4), ImageShape(height: 2, width: 2, channels: 1))
      + ModelCase.families(
        .gaussianMixture(3, components: 2), ImageShape(height: 1, width: 2, channels: 3))
      + ModelCase.families(.normal(3), ImageShape(height: 2, width: 2, channels: 1)))
  func frequencies(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let all = everyImage(modelCase)
    let drawn = 20_000
    let expected = model.logProbability(of: all, in: reference).map { exp($0) * Double(drawn) }
    let images = try Sampler(model, in: reference, seed: 2, group: 500).draw(count: drawn)
    var counts = [Double](repeating: 0, count: all.count)
    for n in 0..<drawn {
      let symbols = images.symbols[n * images.dimension..<(n + 1) * images.dimension]
      counts[symbols.reduce(0) { $0 * modelCase.head.levels + Int($1) }] += 1
    }
    // Pearson's statistic, rare images pooled until each cell expects five.
    var (statistic, cells, pooled) = (0.0, 0, (expected: 0.0, found: 0.0))
    for i in expected.indices.sorted(by: { expected[$0] < expected[$1] }) {
      pooled = (pooled.expected + expected[i], pooled.found + counts[i])
      guard pooled.expected >= 5 else { continue }
      statistic += pow(pooled.found - pooled.expected, 2) / pooled.expected
      cells += 1
      pooled = (0, 0)
    }
    let freedom = Double(cells - 1)
    // About four standard deviations: one in thirty thousand for the right model.
    #expect(cells > 8)
    #expect(
      abs(statistic - freedom) < 4 * (2 * freedom).squareRoot(), "χ² \(statistic) of \(freedom)")
  }

  @Test("stops when told to")
  func stops() throws {
    let (model, _) = try ModelCase.small[0].build(precision: .float64)
    var calls: [Int] = []
    let stopped = try Sampler(model, in: reference).draw(0..<2) {
      calls.append($0)
      return $0 < 3
    }
    #expect(stopped == nil)
    // Two images of a sub-pixel each step.
    #expect(calls == [2, 4])
  }

  @Test("weights that overflow are an error, not a crash", arguments: ModelCase.small)
  func overflow(_ modelCase: ModelCase) throws {
    let (model, parameters) = try modelCase.build(precision: .float64)
    for parameter in parameters {
      parameter.value.write(parameter.value.values.map { _ in .nan })
    }
    #expect(throws: GenerationError.notANumber(subpixel: 0)) {
      try Sampler(model, in: reference, label: modelCase.label).draw(count: 2)
    }
    #expect(throws: GenerationError.notANumber(subpixel: 0)) {
      try BeamSearch(model, in: reference, width: 2, label: modelCase.label?(0)).run()
    }
  }
}

@Suite struct Searching {
  let reference = Context(.reference)

  @Test("a beam of one is greedy", arguments: ModelCase.small)
  func greedy(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let drawn = try Sampler(
      model, in: reference, options: SamplingOptions(greedy: true),
      label: modelCase.classes.map { _ in { _ in 0 } }
    )
    .draw(count: 2)
    let found = try #require(
      try BeamSearch(
        model, in: reference, width: 1, label: modelCase.label?(0)
      ).run())
    #expect(drawn.symbols == found.images.symbols + found.images.symbols)
  }

  @Test(
    "a beam as wide as all images finds them in the order of their probability",
    arguments: ModelCase.families(.categorical(3), ImageShape(height: 2, width: 2, channels: 1)))
  func exhaustive(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let all = everyImage(modelCase)
    let probable = model.logProbability(of: all, in: reference).sorted(by: >)
    let found = try #require(try BeamSearch(model, in: reference, width: all.count).run())
    expectClose(found.logProbabilities, probable, tolerance: 1e-12)
    expectClose(
      model.logProbability(of: found.images, in: reference), probable, tolerance: 1e-12)
  }

  @Test("a narrow beam tells the log p of what it found", arguments: ModelCase.small)
  func narrow(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let found = try #require(
      try BeamSearch(
        model, in: reference, width: 4, label: modelCase.label?(0)
      ).run())
    expectClose(
      found.logProbabilities, model.logProbability(of: found.images, in: reference),
      tolerance: 1e-12)
    #expect(found.logProbabilities == found.logProbabilities.sorted(by: >))
  }
}
