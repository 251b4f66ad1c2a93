import Distributions
import Foundation
import Images
import Models
import CPU
import Randomness
import Tensors
import TestSupport
import Testing

/// What the mathematics promises of every density model, checked for every family through one
/// harness.
@Suite struct EveryModel {
  let reference = Context(backend: ReferenceBackend(), precision: .float64)
  let fast = Context(backend: CPUBackend.shared, precision: .float32)

  @Test(
    "the probabilities of all tiny images sum to one",
    arguments: ModelCase.families(.bernoulli, ImageShape(height: 3, width: 3, channels: 1))
      + ModelCase.families(.categorical(4), ImageShape(height: 2, width: 2, channels: 1))
      + ModelCase.families(.categorical(2), ImageShape(height: 1, width: 2, channels: 3)))
  func sumsToOne(_ modelCase: ModelCase) throws {
    let d = modelCase.image.dimension
    let levels = modelCase.head.levels
    let count = (0..<d).reduce(1) { product, _ in product * levels }
    var symbols: [UInt8] = []
    for code in 0..<count {
      var rest = code
      for _ in 0..<d {
        symbols.append(UInt8(rest % levels))
        rest /= levels
      }
    }
    let all = PixelBatch(
      count: count, height: modelCase.image.height, width: modelCase.image.width,
      channels: modelCase.image.channels, levels: levels, symbols: symbols)
    let (model, _) = try modelCase.build(precision: .float32)
    let total = model.logProbability(of: all, in: fast).reduce(0) { $0 + exp($1) }
    #expect(abs(total - 1) < 1e-5)
  }

  @Test("an output never sees its own sub-pixel or a later one", arguments: ModelCase.small)
  func causality(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float32)
    let batch = modelCase.randomBatch(1)
    let d = modelCase.image.dimension
    func conditionals(_ batch: PixelBatch) -> [[Double]] {
      let distribution = model.conditionals(batch, in: fast)
      return (0..<d).map { distribution.probabilities(image: 0, subpixel: $0) }
    }
    let before = conditionals(batch)
    var reached = 0
    for i in 0..<d {
      var changed = batch
      changed.symbols[i] = UInt8((Int(batch.symbols[i]) + 1) % modelCase.head.levels)
      let after = conditionals(changed)
      #expect(Array(before[...i]) == Array(after[...i]), "sub-pixel \(i) reaches back")
      if before != after { reached += 1 }
    }
    // A model that ignores its input would pass the above.
    #expect(d == 1 || reached > 0, "no sub-pixel reaches forward")
  }

  @Test("gradients agree with finite differences in double", arguments: ModelCase.small)
  func gradients(_ modelCase: ModelCase) throws {
    let (model, parameters) = try modelCase.build(precision: .float64)
    let batch = modelCase.randomBatch(2)
    // Inference averages the masks of MADE; a training step uses one of them.
    func loss(_ context: Context) -> Variable {
      model.conditionals(batch, in: context).logProbability(of: batch, in: context)
    }
    func training() -> Context {
      Context(backend: ReferenceBackend(), precision: .float64, tape: Tape(), step: 1)
    }
    let context = training()
    let gradients = context.gradients(of: loss(context), seed: -0.5)
    for parameter in parameters {
      let gradient = try #require(gradients[parameter], "\(parameter.name) has no gradient")
      var random = RandomStream(seed: 1, "places/\(parameter.name)")
      for _ in 0..<6 {
        let place = random.integer(below: parameter.value.count)
        if let mask = parameter.mask, mask.element(place) == 0 {
          #expect(gradient.element(place) == 0, "\(parameter.name) has a gradient where masked")
          continue
        }
        let difference = finiteDifference(parameter.value, place) {
          -0.5 * loss(training()).value.values.reduce(0, +)
        }
        #expect(
          abs(gradient.element(place) - difference) < 1e-6 * max(1, abs(difference)),
          "\(parameter.name)[\(place)]: expected \(difference), found \(gradient.element(place))")
      }
    }
  }

  @Test("the fast backend computes what the reference computes", arguments: ModelCase.small)
  func fastEqualsReference(_ modelCase: ModelCase) throws {
    let (slow, slowParameters) = try modelCase.build(precision: .float64)
    let (quick, quickParameters) = try modelCase.build(precision: .float32)
    let batch = modelCase.randomBatch(3)
    expectClose(
      quick.subpixelLogProbability(of: batch, in: fast),
      slow.subpixelLogProbability(of: batch, in: reference), tolerance: 1e-5, "log p")
    func gradients(_ model: any DensityModel, _ context: Context) -> Gradients {
      context.gradients(
        of: model.conditionals(batch, in: context).logProbability(of: batch, in: context), seed: 1)
    }
    let expected = gradients(
      slow, Context(backend: ReferenceBackend(), precision: .float64, tape: Tape()))
    let found = gradients(
      quick, Context(backend: CPUBackend.shared, precision: .float32, tape: Tape()))
    for (a, b) in zip(quickParameters, slowParameters) {
      expectClose(
        try #require(found[a]).values, try #require(expected[b]).values, tolerance: 2e-5, a.name)
    }
  }

  @Test("one sub-pixel at a time gives the same conditionals", arguments: ModelCase.small)
  func sequentialEqualsPlain(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let batch = modelCase.randomBatch(2)
    let d = modelCase.image.dimension
    let plain = model.conditionals(batch, in: reference)
    let sequence = try #require(model.sequentialConditionals(count: 2, in: reference))
    for i in 0..<d {
      let next = sequence.next()
      for n in 0..<2 {
        expectClose(
          next.probabilities(image: n, subpixel: 0), plain.probabilities(image: n, subpixel: i),
          tolerance: 1e-12, "image \(n), sub-pixel \(i)")
      }
      sequence.observe((0..<2).map { batch.symbols[$0 * d + i] })
    }
  }
}
