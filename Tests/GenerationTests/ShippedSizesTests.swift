import CPU
import Generation
import Heads
import Images
import Layers
import Models
import Randomness
import Tensors
import TestSupport
import Testing

/// The fast path is the plain path, bit for bit, by the kernels and at the settings that people use.
@Suite(.serialized) struct ShippedSizes {
  static let precisions: [Precision] = CPUBackend.hasBFloat16 ? [.float32, .bfloat16] : [.float32]
  static let cases = ModelCase.shipped.flatMap { model in precisions.map { (model, $0) } }

  private func context(_ precision: Precision) -> Context {
    Context(Engine(CPUBackend.shared, precision))
  }

  @Test("each step's outputs are those of the whole pass", arguments: cases)
  func nextEqualsAll(_ modelCase: ModelCase, _ precision: Precision) throws {
    let (model, _) = try modelCase.build(precision: .float32, spread: 0.05)
    let context = context(precision)
    let batch = modelCase.randomBatch(5)
    let whole = outputs(model.conditionals(batch, in: context))
    let each = whole.count / (5 * model.steps)
    let next = context.remembering(model.memory(images: 5, labels: batch.labels))
    let told = model.subpixelsAStep
    for step in 0..<model.steps {
      let latest = step == 0 ? [] : batch.told(told, from: (step - 1) * told, of: Array(0..<5))
      let found = outputs(model.next(after: latest, in: next))
      var expected: [Float] = []
      for n in 0..<5 {
        let first = (n * model.steps + step) * each
        expected += whole[first..<first + each]
      }
      try #require(found == expected, "step \(step)")
    }
  }

  @Test("one image of a batch, or all, have the same outputs", arguments: cases)
  func batches(_ modelCase: ModelCase, _ precision: Precision) throws {
    let (model, _) = try modelCase.build(precision: .float32, spread: 0.05)
    let context = context(precision)
    let batch = modelCase.randomBatch(7)
    let d = batch.dimension
    let all = outputs(model.conditionals(batch, in: context))
    for n in [0, 3, 6] {
      let one = PixelBatch(
        count: 1, height: batch.height, width: batch.width, channels: batch.channels,
        levels: batch.levels, symbols: Array(batch.symbols[n * d..<(n + 1) * d]),
        labels: batch.labels.map { [$0[n]] })
      let found = outputs(model.conditionals(one, in: context))
      #expect(found == Array(all[n * found.count..<(n + 1) * found.count]), "image \(n)")
    }
  }

  /// In a process of its own: others sum in the order that the number of threads makes.
  @Test("the same images, one or many at once, on one thread or two")
  func samples() async {
    await #expect(processExitsWith: .success) {
      let threads = CPUBackend.shared.threads
      for (modelCase, precision) in ShippedSizes.cases {
        let (model, _) = try modelCase.build(precision: .float32, spread: 0.05)
        let context = Context(Engine(CPUBackend.shared, precision))
        CPUBackend.shared.threads = threads
        let many = try Sampler(model, in: context, seed: 5, label: modelCase.label).draw(count: 20)
        let single = try Sampler(model, in: context, seed: 5, group: 1, label: modelCase.label)
          .draw(count: 2)
        precondition(
          single.symbols == Array(many.symbols.prefix(single.symbols.count)),
          "\(modelCase.testDescription), \(precision): one or many")
        CPUBackend.shared.threads = threads == 1 ? 2 : 1
        let other = try Sampler(model, in: context, seed: 5, label: modelCase.label).draw(count: 20)
        precondition(other == many, "\(modelCase.testDescription), \(precision): threads")
      }
    }
  }

  /// In a process of its own: the counts are the process's, and other tests fall back on purpose.
  @Test("no operation falls back to the reference")
  func noFallbacks() async {
    await #expect(processExitsWith: .success) {
      for (modelCase, precision) in ShippedSizes.cases {
        let (model, _) = try modelCase.build(precision: .float32, spread: 0.05)
        let engine = Engine(CPUBackend.shared, precision)
        let batch = modelCase.randomBatch(2)
        if !(model is any ClosedForm) {
          let training = Context(engine, mode: .training(step: 0, seed: 0), tape: Tape())
          let loss = model.conditionals(batch, in: training).logProbability(
            of: batch, in: training)
          _ = training.gradients(of: loss, seed: 1)
        }
        _ = model.conditionals(batch, in: Context(engine)).measures(
          of: batch, [.moments, .pit, .levels], in: Context(engine))
        _ = model.logProbability(of: batch, in: Context(engine))
        _ = model.conditionals(batch, in: Context(engine)).measures(
          of: batch, [.moments, .pit, .levels], in: Context(engine))
        _ = try Sampler(model, in: Context(engine), label: modelCase.label).draw(count: 1)
        precondition(
          Fallbacks.counts.isEmpty,
          "\(modelCase.testDescription), \(precision): \(Fallbacks.counts)")
      }
    }
  }

  @Test("one that does is counted")
  func aFallbackIsCounted() async {
    await #expect(processExitsWith: .success) {
      let y = Tensor([2], .float32, values: [0.25, 0.5])
      CPUBackend.shared.activationGradient(.sigmoid, output: y, y, into: y, accumulating: false)
      precondition(Fallbacks.counts == ["activationGradient": 1], "\(Fallbacks.counts)")
    }
  }

  /// The outputs behind a distribution.
  private func outputs(_ distribution: any PixelDistribution) -> [Float] {
    switch distribution {
    case let bernoulli as Bernoulli: Array(bernoulli.logits.value.floats)
    case let categorical as Categorical: Array(categorical.logits.value.floats)
    case let mixture as LogisticMixture: Array(mixture.outputs.value.floats)
    case let mixture as NormalMixture: Array(mixture.outputs.value.floats)
    case let normal as DiscretisedNormal: Array(normal.outputs.value.floats)
    default: []
    }
  }
}
