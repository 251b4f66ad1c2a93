import CPU
import Foundation
import Heads
import Images
import Models
import Randomness
import Tensors
import TestSupport
import Testing

/// What the mathematics promises of every density model, checked for every family through one
/// harness.
@Suite struct EveryModel {
  let reference = Context(.reference)
  let fast = Context(Engine(CPUBackend.shared, .float32))

  @Test(
    "the probabilities of all tiny images sum to one",
    arguments: ModelCase.families(.bernoulli, ImageShape(height: 3, width: 3, channels: 1))
      + ModelCase.families(.categorical(4), ImageShape(height: 2, width: 2, channels: 1))
      + ModelCase.families(.categorical(2), ImageShape(height: 1, width: 2, channels: 3))
      + ModelCase.families(
        .logisticMixture(2, components: 2), ImageShape(height: 1, width: 3, channels: 3))
      + ModelCase.families(
        .logisticMixture(4, components: 3), ImageShape(height: 2, width: 1, channels: 3))
      + ModelCase.families(.logisticMixture(3), ImageShape(height: 2, width: 3, channels: 1))
      + ModelCase.families(
        .gaussianMixture(3, components: 2), ImageShape(height: 1, width: 2, channels: 3))
      + ModelCase.families(.normal(4), ImageShape(height: 2, width: 2, channels: 1)))
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
      return (0..<d).map { distribution.probabilities(batch, image: 0, subpixel: $0) }
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
    // What is fitted in closed form has none.
    guard !(model is any ClosedForm) else { return }
    let batch = modelCase.randomBatch(2)
    // Inference averages the masks of MADE; a training step uses one of them.
    func loss(_ context: Context) -> Variable {
      model.conditionals(batch, in: context).logProbability(of: batch, in: context)
    }
    func training() -> Context {
      Context(
        .reference, mode: .training(step: 1, seed: 0), tape: Tape())
    }
    let context = training()
    let gradients = context.gradients(of: loss(context), seed: -0.5)
    for parameter in parameters where parameter.learns {
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
    guard !(quick is any ClosedForm) else { return }
    func gradients(_ model: any DensityModel, _ context: Context) -> Gradients {
      context.gradients(
        of: model.conditionals(batch, in: context).logProbability(of: batch, in: context), seed: 1)
    }
    let expected = gradients(
      slow, Context(.reference, tape: Tape()))
    let found = gradients(
      quick, Context(Engine(CPUBackend.shared, .float32), tape: Tape()))
    for (a, b) in zip(quickParameters, slowParameters) where a.learns {
      expectClose(
        try #require(found[a]).values, try #require(expected[b]).values, tolerance: 2e-5, a.name)
    }
  }

  @Test("one step at a time gives the same conditionals", arguments: ModelCase.small)
  func nextEqualsAll(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let batch = modelCase.randomBatch(2)
    let d = modelCase.image.dimension
    let plain = model.conditionals(batch, in: reference)
    let memory = model.memory(images: 2, labels: batch.labels)
    let context = reference.remembering(memory)
    let each = model.subpixelsAStep
    for first in stride(from: 0, to: d, by: each) {
      let latest = first == 0 ? [] : batch.told(each, from: first - each, of: [0, 1])
      let next = model.next(after: latest, in: context)
      for i in first..<first + each {
        for n in 0..<2 {
          expectClose(
            next.probabilities(
              image: n, subpixel: i - first, given: batch.earlierChannels(i, image: n)),
            plain.probabilities(batch, image: n, subpixel: i),
            tolerance: 1e-12, "image \(n), sub-pixel \(i)")
        }
      }
    }
  }

  @Test("a copied memory goes on by itself", arguments: ModelCase.small)
  func copies(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float32)
    let batch = modelCase.randomBatch(3)
    let d = modelCase.image.dimension
    guard d > 1 else { return }
    let (each, steps) = (model.subpixelsAStep, model.steps)
    func next(_ step: Int, _ images: [Int], _ context: Context) -> any PixelDistribution {
      model.next(
        after: step == 0 ? [] : batch.told(each, from: (step - 1) * each, of: images), in: context)
    }
    func follow(_ memory: Memory, _ images: [Int], from first: Int) -> [[Double]] {
      let context = fast.remembering(memory)
      return (first..<steps).flatMap { step in
        let next = next(step, images, context)
        return images.indices.map { next.probabilities(image: $0, subpixel: 0) }
      }
    }
    let memory = model.memory(images: 3, labels: batch.labels)
    let context = fast.remembering(memory)
    for step in 0..<steps / 2 { _ = next(step, [0, 1, 2], context) }
    // The copy is made first, and the original goes on before it.
    let copy = memory.copy(of: [2, 0, 2, 1])
    let whole = follow(memory, [0, 1, 2], from: steps / 2)
    let chosen = follow(copy, [2, 0, 2, 1], from: steps / 2)
    for step in 0..<steps - steps / 2 {
      #expect([2, 0, 2, 1].map { whole[step * 3 + $0] } == Array(chosen[step * 4..<step * 4 + 4]))
    }
  }

  @Test("a gradient reaches the pixels", arguments: ModelCase.small)
  func pixelGradients(_ modelCase: ModelCase) throws {
    let (model, _) = try modelCase.build(precision: .float64)
    let batch = modelCase.randomBatch(2)
    let pixels = Parameter(
      name: "pixels", value: randomTensor([2, batch.dimension], .float64, "pixels"), decays: false)
    func loss(_ tape: Tape?) -> (Variable, Context) {
      let context = Context(.reference, tape: tape ?? Tape(), pixels: pixels)
      return (
        model.conditionals(batch, in: context).logProbability(of: batch, in: context), context
      )
    }
    let (output, context) = loss(Tape())
    let gradient = context.gradients(of: output, seed: 1)[pixels]
    let difference = (0..<pixels.value.count).map { place in
      // Norms of few channels are curved.
      finiteDifference(pixels.value, place, step: 3e-6) { loss(nil).0.value.values.reduce(0, +) }
    }
    expectClose(
      gradient?.values ?? difference.map { _ in 0 }, difference, tolerance: 1e-6, floor: 1)
  }
}
