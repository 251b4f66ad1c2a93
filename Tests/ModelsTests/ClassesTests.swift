import CPU
import Foundation
import Heads
import Images
import Layers
import Models
import Randomness
import Tensors
import TestSupport
import Testing

/// What classes add to a model; that labelled models keep all that models promise is in `EveryModel`.
@Suite struct ClassesTests {
  let reference = Context(.reference)

  @Test("untrained, a model of classes is the one without", arguments: ModelCase.ofClasses)
  func untrained(_ modelCase: ModelCase) throws {
    func logProbability(_ classes: Int?, of batch: PixelBatch) throws -> [Double] {
      try ModelSpecification(
        name: modelCase.name, settings: modelCase.settings, head: modelCase.head,
        image: modelCase.image, classes: classes, seed: 7
      ).build(in: ParameterStore(seed: 7, precision: .float64))
        .logProbability(of: batch, in: Context(.reference))
    }
    let batch = modelCase.randomBatch(4)
    expectClose(
      try logProbability(3, of: batch), try logProbability(nil, of: batch.labelled(nil)),
      tolerance: 1e-13)
  }

  @Test(
    "every bias of a class moves the images of that class alone",
    // Counts have none: `ContextTests`.
    arguments: ModelCase.ofClasses.filter { $0.name != "context" })
  func biases(_ modelCase: ModelCase) throws {
    let (model, parameters) = try modelCase.build(precision: .float64)
    let batch = modelCase.randomBatch(6)
    let before = model.logProbability(of: batch, in: reference)
    let biases = parameters.filter { $0.name.hasSuffix("classes") }
    #expect(!biases.isEmpty)
    for bias in biases {
      let whole = bias.value.values
      let width = bias.shape[1]
      // Not by one number: logits of levels may all move alike.
      bias.value.write(
        whole.enumerated().map { $0 / width == 1 ? $1 + 0.4 * Double($0 * 5 % 7 + 1) : $1 })
      let after = model.logProbability(of: batch, in: Context(.reference))
      for (n, label) in batch.labels!.enumerated() {
        #expect((after[n] == before[n]) == (label != 1), "\(bias.name), image \(n)")
      }
      bias.value.write(whole)
    }
  }

  // MARK: Images of unknown class

  private static let mixtures =
    ModelCase.families(.bernoulli, ImageShape(height: 2, width: 3, channels: 1))
    + ModelCase.families(.categorical(2), ImageShape(height: 1, width: 2, channels: 3))
    + ModelCase.families(
      .logisticMixture(2, components: 2), ImageShape(height: 1, width: 2, channels: 3))

  private func mixture(
    _ modelCase: ModelCase, _ precision: Precision = .float64
  ) throws -> (ClassMixture, [Parameter]) {
    let (model, parameters) = try modelCase.told(classes: 3).build(
      precision: precision, spread: 0.8)
    return (ClassMixture(model, counts: [5, 2, 0]), parameters)
  }

  private func everyImage(_ image: ImageShape) -> PixelBatch {
    let count = 1 << image.dimension
    return PixelBatch(
      count: count, height: image.height, width: image.width, channels: image.channels, levels: 2,
      symbols: (0..<count).flatMap { code in
        (0..<image.dimension).map { UInt8(code >> $0 & 1) }
      })
  }

  @Test("a mixture is Σ p(y) p(x | y), and sums to one", arguments: mixtures)
  func mixes(_ modelCase: ModelCase) throws {
    let (model, _) = try mixture(modelCase)
    let all = everyImage(modelCase.image)
    let found = model.logProbability(of: all, in: reference)
    let prior = [6.0 / 10, 3.0 / 10, 1.0 / 10]
    var expected = [Double](repeating: 0, count: all.count)
    for (label, share) in prior.enumerated() {
      let given = model.logProbability(
        of: all.labelled(Array(repeating: label, count: all.count)), in: reference)
      for n in expected.indices { expected[n] += share * exp(given[n]) }
    }
    expectClose(found.map { exp($0) }, expected, tolerance: 1e-10)
    #expect(abs(expected.reduce(0, +) - 1) < 1e-9)
    let joint = model.logJoint(of: all, in: reference).map(logSumExp)
    expectClose(joint, found, tolerance: 1e-10)
  }

  @Test("its conditionals sum to one, and are those of what is scored", arguments: mixtures)
  func conditionals(_ modelCase: ModelCase) throws {
    let (model, _) = try mixture(modelCase)
    let batch = everyImage(modelCase.image)
    let conditionals = model.conditionals(batch, in: reference)
    let scored = conditionals.logProbability(of: batch, in: reference).value.values
    for n in 0..<batch.count {
      for i in 0..<batch.dimension {
        let p = conditionals.probabilities(batch, image: n, subpixel: i)
        #expect(abs(p.reduce(0, +) - 1) < 1e-10)
        let place = n * batch.dimension + i
        #expect(abs(log(p[Int(batch.symbols[place])]) - scored[place]) < 1e-9)
      }
    }
  }

  @Test("one step at a time it is the same, also of copies", arguments: mixtures)
  func steps(_ modelCase: ModelCase) throws {
    let (model, _) = try mixture(modelCase, .float32)
    let fast = Context(Engine(CPUBackend.shared, .float32))
    let batch = everyImage(modelCase.image)
    let (d, each) = (batch.dimension, model.subpixelsAStep)
    let whole = model.subpixelLogProbability(of: batch, in: fast)
    // All images begin as one, of which more and more copies go on by themselves.
    var memory = model.memory(images: 1)
    var known: [[UInt8]] = [[]]
    for first in stride(from: 0, to: d, by: each) {
      let latest = known.flatMap { $0.suffix(first == 0 ? 0 : each) }
      let next = model.next(after: latest, in: fast.remembering(memory))
      let images = known.map { begun in
        (0..<batch.count).first { n in
          Array(batch.symbols[n * d..<n * d + first]) == begun
        }!
      }
      let told = images.flatMap { batch.symbols[$0 * d + first..<$0 * d + first + each] }
      let found = next.logProbability(of: told, in: fast).value.values
      for (k, n) in images.enumerated() {
        #expect(
          Array(found[k * each..<(k + 1) * each])
            == Array(whole[n * d + first..<n * d + first + each]))
      }
      let codes = 0..<1 << each
      memory = memory.copy(of: known.indices.flatMap { k in codes.map { _ in k } })
      known = known.flatMap { begun in
        codes.map { code in begun + (0..<each).map { UInt8(code >> $0 & 1) } }
      }
    }
  }

  @Test("its gradient agrees with finite differences in double", arguments: mixtures)
  func gradients(_ modelCase: ModelCase) throws {
    let (model, parameters) = try mixture(modelCase)
    guard !(model.model is any ClosedForm) else { return }
    let batch = modelCase.randomBatch(3)
    // Not of the sum alone, in which the weights cancel.
    let factors = randomTensor([batch.count, batch.dimension], .float64, "factors")
    func loss(_ context: Context) -> Variable {
      let terms = model.conditionals(batch, in: context).logProbability(of: batch, in: context)
      return context.masked(terms.reshaped(factors.shape), by: factors)
    }
    let context = Context(.reference, tape: Tape())
    let gradients = context.gradients(of: loss(context), seed: 1)
    for parameter in parameters where parameter.learns {
      let gradient = try #require(gradients[parameter], "\(parameter.name) has no gradient")
      var random = RandomStream(seed: 1, "places/\(parameter.name)")
      for _ in 0..<3 {
        let place = random.integer(below: parameter.value.count)
        if parameter.mask?.element(place) == 0 { continue }
        let difference = finiteDifference(parameter.value, place) {
          loss(Context(.reference)).value.values.reduce(0, +)
        }
        #expect(
          abs(gradient.element(place) - difference) < 1e-6 * max(1, abs(difference)),
          "\(parameter.name)[\(place)]: expected \(difference), found \(gradient.element(place))")
      }
    }
  }

  @Test("a Gaussian's classes are their means")
  func gaussian() throws {
    let image = ImageShape(height: 2, width: 2, channels: 1)
    let store = ParameterStore(seed: 1)
    let model = try ModelSpecification(
      name: "gaussian", settings: ["directions": "2"], head: .normal(256), image: image, classes: 2
    ).build(in: store)
    let fitted = try #require(model as? any ClosedForm)
    var random = RandomStream(seed: 5, "images")
    let labels = (0..<200).map { $0 % 2 }
    let symbols = labels.flatMap { label in
      (0..<4).map { _ -> UInt8 in
        let intensity: Double = 0.29 + 0.4 * Double(label) + 0.02 * random.uniform()
        return UInt8(255 * intensity)
      }
    }
    func images(_ count: Int) -> PixelBatch {
      PixelBatch(
        count: count, height: 2, width: 2, channels: 1, levels: 256,
        symbols: Array(symbols.prefix(4 * count)), labels: Array(labels.prefix(count)))
    }
    fitted.fit(images(200), validation: images(20))
    let means = try #require(store.parameters.first { $0.name == "mean/classes" }).value.values
    for (place, mean) in means.enumerated() {
      #expect(abs(mean - (place < 4 ? -0.2 : 0.2)) < 0.01)
    }
    // Told the right class an image is likelier by far than told the other.
    let batch = PixelBatch(
      count: 2, height: 2, width: 2, channels: 1, levels: 256,
      symbols: Array(repeating: 77, count: 4) + Array(repeating: 178, count: 4), labels: [0, 1])
    let right = model.logProbability(of: batch, in: reference)
    let wrong = model.logProbability(of: batch.labelled([1, 0]), in: reference)
    for (a, b) in zip(right, wrong) { #expect(a > b + 100) }
  }

  @Test("a number of classes that no model has is one line", arguments: [0, 1, 10_001])
  func refused(_ count: Int) {
    #expect {
      try ModelSpecification(
        name: "made", head: .bernoulli, image: ImageShape(height: 2, width: 2, channels: 1),
        classes: count)
    } throws: {
      "\($0)" == "classes: expected 2 ... 10000, found \(count)"
    }
  }
}
