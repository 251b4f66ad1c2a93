import CPU
import Foundation
import Images
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// What PyTorch computed for a small classifier: see Tests/Golden/make_classifier.py.
private struct GoldenClassifier: Decodable {
  struct Weights: Decodable {
    let name: String
    let shape: [Int]
    let value: [Double]
    let gradient: [Double]
  }
  let specification: ModelSpecification
  let symbols: [UInt8]
  let labels: [Int]
  let parameters: [Weights]
  let logits: [Double]
  let pixelGradient: [Double]
  let loss: Double

  static func read() throws -> GoldenClassifier {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Golden/classifiers/resnet.json")
    return try JSONDecoder().decode(GoldenClassifier.self, from: Data(contentsOf: file))
  }

  var batch: PixelBatch {
    let image = specification.image
    return PixelBatch(
      count: labels.count, height: image.height, width: image.width, channels: image.channels,
      levels: specification.head.levels, symbols: symbols, labels: labels)
  }

  /// The model with PyTorch's parameters, none missing, none left over.
  func build(_ precision: Precision) throws -> (ResidualClassifier, [Parameter]) {
    let store = ParameterStore(seed: 7, precision: precision)
    let model = try #require(try specification.learned(in: store) as? ResidualClassifier)
    let byName = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
    try #require(Set(byName.keys) == Set(store.parameters.map(\.name)))
    for parameter in store.parameters {
      let golden = byName[parameter.name]!
      try #require(parameter.shape == Shape(golden.shape))
      parameter.value.write(golden.value)
    }
    return (model, store.parameters)
  }
}

@Suite struct ClassifierTests {
  @Test("logits, loss and every gradient are PyTorch's")
  func golden() throws {
    let golden = try GoldenClassifier.read()
    for (backend, precision, tolerance) in [
      (ReferenceBackend() as any Backend, Precision.float64, 1e-12),
      (CPUBackend.shared, .float32, 1e-5),
    ] {
      let (model, parameters) = try golden.build(precision)
      let engine = Engine(backend, precision)
      let batch = golden.batch
      let logits = model.logits(batch, in: Context(engine)).value.values
      expectClose(logits, golden.logits, tolerance: tolerance, "logits")
      let context = Context(engine, tape: Tape())
      let likelihood = model.logLikelihood(of: batch, in: context)
      expectClose(
        [-likelihood.value.values.reduce(0, +) / Double(batch.count)], [golden.loss],
        tolerance: tolerance, "loss")
      let gradients = context.gradients(of: likelihood, seed: -1 / Double(batch.count))
      for (parameter, expected) in zip(parameters, golden.parameters) {
        expectClose(
          try #require(gradients[parameter]).values, expected.gradient, tolerance: tolerance,
          parameter.name)
      }
    }
  }

  @Test("the gradient that reaches the pixels is PyTorch's")
  func pixels() throws {
    let golden = try GoldenClassifier.read()
    let (model, _) = try golden.build(.float64)
    let batch = golden.batch
    let value = Tensor([batch.count, batch.dimension], .float64)
    value.write(batch.symbols.map { Double($0) / Double(batch.levels - 1) })
    let pixels = Parameter(name: "pixels", value: value, decays: false)
    let context = Context(.reference, tape: Tape(), pixels: pixels, weightsAreConstant: true)
    let logits = model.logits(batch, in: context)
    let ramp = Tensor(logits.shape, .float64)
    ramp.write((1...logits.value.count).map(Double.init))
    let gradients = context.gradients(of: context.masked(logits, by: ramp), seed: 1)
    expectClose(
      try #require(gradients[pixels]).values, golden.pixelGradient, tolerance: 1e-12, "pixels")
  }

  @Test("probabilities of the labels sum to one, with dropout in training only")
  func sums() throws {
    let store = ParameterStore(seed: 3)
    let image = ImageShape(height: 7, width: 6, channels: 1)
    let specification = try ModelSpecification(
      name: "resnet", settings: ["channels": "5", "levels": "2", "dropout": "0.4"],
      head: .categorical(16), image: image, classes: 5)
    let model = try specification.learned(in: store)
    // Branches start at zero: with random weights they say something.
    for parameter in store.parameters where parameter.value.values.allSatisfy({ $0 == 0 }) {
      parameter.value.write(randomTensor(parameter.shape, .float32, parameter.name).values)
    }
    let symbols = (0..<2 * image.dimension).map { UInt8($0 * 7 % 16) }
    func nats(_ label: Int, _ context: Context) -> [Double] {
      let batch = PixelBatch(
        count: 2, height: 7, width: 6, channels: 1, levels: 16, symbols: symbols,
        labels: [label, label])
      return model.logProbability(of: batch, in: context)
    }
    let engine = Engine(CPUBackend.shared, .float32)
    for image in 0..<2 {
      let sum = (0..<5).reduce(0) { $0 + exp(nats($1, Context(engine))[image]) }
      #expect(abs(sum - 1) < 1e-6)
    }
    let training = Context(engine, mode: .training(step: 1, seed: 1), tape: Tape())
    #expect(nats(0, training) != nats(0, Context(engine)))
  }

  @Test("it is no density, and what it cannot be is said")
  func refusals() throws {
    let image = ImageShape(height: 4, width: 4, channels: 1)
    func specification(_ classes: Int?, orders: Int? = nil) throws -> ModelSpecification {
      try ModelSpecification(
        name: "resnet", head: .categorical(256), image: image, classes: classes, orders: orders)
    }
    #expect(throws: ModelError.noDensity("resnet")) {
      try specification(3).build(in: ParameterStore(seed: 1))
    }
    #expect(throws: ModelError.count("classes of resnet", expected: 2...256, found: 0)) {
      try specification(nil).learned(in: ParameterStore(seed: 1))
    }
    #expect(throws: ModelError.ordersOf("resnet", found: 2)) { try specification(3, orders: 2) }
    #expect(!ModelFamily.all.contains { $0.isClassifier })
    #expect(ModelFamily.classifiers.allSatisfy { ModelFamily.named($0.name) != nil })
  }
}
