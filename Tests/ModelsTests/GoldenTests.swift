import CPU
import Foundation
import Heads
import Images
import Layers
import Models
import Tensors
import TestSupport
import Testing

/// What PyTorch computed for one small model, in double precision: see Tests/Golden/make_golden.py.
struct Golden: Decodable {
  struct Weights: Decodable {
    let name: String
    let shape: [Int]
    let decays: Bool
    let value: [Double]
    let gradient: [Double]
  }

  let specification: ModelSpecification
  /// MADE only, by mask and layer.
  let degrees: [[[Int]]]?
  let count: Int
  let symbols: [UInt8]
  let parameters: [Weights]
  /// In a training step, `[N, D]` or `[N, D, K]`.
  let logits: [Double]
  /// Nats an image, at inference.
  let logProbability: [Double]
  /// Mean nats an image before each AdamW step.
  let losses: [Double]

  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")

  static let names: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".json") }.sorted()

  init(_ name: String) throws {
    self = try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: Self.folder.appending(path: name)))
  }

  var batch: PixelBatch {
    let image = specification.image
    return PixelBatch(
      count: count, height: image.height, width: image.width, channels: image.channels,
      levels: specification.head.levels, symbols: symbols)
  }

  /// PyTorch's steps drop nothing, whatever a family's own share is.
  private func withoutDropout() throws -> ModelSpecification {
    let hasDropout = specification.family.settings.contains { $0.name == "dropout" }
    return try ModelSpecification(
      name: specification.name,
      settings: specification.settings.merging(hasDropout ? ["dropout": "0"] : [:]) { $1 },
      head: specification.head, image: specification.image, classes: specification.classes,
      orders: specification.orders, seed: specification.seed)
  }

  /// The model with PyTorch's parameters, none missing, none left over.
  func build(_ precision: Precision) throws -> (model: any DensityModel, parameters: [Parameter]) {
    let store = ParameterStore(seed: specification.seed, precision: precision)
    let model = try withoutDropout().build(in: store)
    try #require(Set(store.parameters.map(\.name)) == Set(parameters.map(\.name)))
    try #require(store.parameters.count == parameters.count)
    let byName = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
    for parameter in store.parameters {
      let golden = try #require(byName[parameter.name])
      try #require(parameter.shape == Shape(golden.shape), "\(parameter.name)")
      #expect(parameter.decays == golden.decays, "\(parameter.name)")
      // PyTorch draws no live weight as zero.
      #expect(
        parameter.mask?.values ?? golden.value.map { _ in 1 }
          == golden.value.map { $0 == 0 ? 0 : 1 },
        "the mask of \(parameter.name)")
      parameter.value.write(golden.value)
    }
    if let degrees { try #require((model as? MADE)?.degrees == degrees) }
    return (model, store.parameters)
  }
}

/// Logits, every gradient and ten steps of training agree with PyTorch.
@Suite struct GoldenTests {
  @Test("every family and head has a golden file")
  func complete() throws {
    let kept = try Set(
      Golden.names.map {
        let specification = try Golden($0).specification
        return "\(specification.name) \(specification.head.kind)"
      })
    for family in ModelFamily.all {
      for head in Head.Kind.allCases
      where family.images(with: head) != .none && !family.isClosedForm {
        #expect(kept.contains("\(family.name) \(head)"))
      }
    }
  }

  @Test("the reference backend is PyTorch in double", arguments: Golden.names)
  func reference(_ name: String) throws {
    try expectAgreement(
      try Golden(name), ReferenceBackend(), .float64,
      logits: 1e-12, gradients: 1e-12, losses: 1e-12)
  }

  @Test("the fast backend is PyTorch in single", arguments: Golden.names)
  func fast(_ name: String) throws {
    try expectAgreement(
      try Golden(name), CPUBackend.shared, .float32,
      logits: 2e-6, gradients: 1e-5, losses: 1e-5)
  }

  @Test(
    "bfloat16 activations keep the logits of PixelCNN",
    .enabled(if: CPUBackend.hasBFloat16, "this processor does not multiply bfloat16"),
    arguments: Golden.names.filter { $0.hasPrefix("pixelcnn") })
  func bfloat16(_ name: String) throws {
    let golden = try Golden(name)
    let (model, _) = try golden.build(.float32)
    let context = Context(Engine(CPUBackend.shared, .bfloat16))
    let found = logits(model.conditionals(golden.batch, in: context))
    expectClose(found, golden.logits, tolerance: 3e-2, "logits")
    #expect(found != golden.logits.map { Double(Float($0)) }, "the activations were not rounded")
  }

  @Test(
    "gradients in bfloat16 are those in single precision, but for their rounding",
    .enabled(if: CPUBackend.hasBFloat16, "this processor does not multiply bfloat16"),
    arguments: ModelCase.small.filter {
      [.bernoulli, .categorical].contains($0.head.kind) && $0.name != "context"
    })
  func bfloat16Gradients(_ modelCase: ModelCase) throws {
    let batch = modelCase.randomBatch(5)
    let (model, parameters) = try modelCase.build(precision: .float32)
    let gradients = [Precision.float32, .bfloat16].map { precision in
      let context = Context(
        Engine(CPUBackend.shared, precision), mode: .training(step: 0, seed: 0), tape: Tape())
      let logs = model.conditionals(batch, in: context).logProbability(of: batch, in: context)
      let gradients = context.gradients(of: logs, seed: 1)
      return parameters.flatMap { gradients[$0]?.values ?? [] }
    }
    let length = { (x: [Double]) in x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    #expect(gradients[0].count == gradients[1].count)
    let apart = length(zip(gradients[0], gradients[1]).map { $0 - $1 })
    // More than rounding: a few rectified units change sides.
    #expect(apart <= 0.3 * length(gradients[0]))
  }

  private func expectAgreement(
    _ golden: Golden, _ backend: any Backend, _ precision: Precision,
    logits logitTolerance: Double, gradients gradientTolerance: Double,
    losses lossTolerance: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (model, parameters) = try golden.build(precision)
    let byName = Dictionary(uniqueKeysWithValues: golden.parameters.map { ($0.name, $0) })
    let batch = golden.batch

    expectClose(
      model.logProbability(of: batch, in: Context(Engine(backend, precision))),
      golden.logProbability, tolerance: logitTolerance, "log p at inference",
      sourceLocation: sourceLocation)

    let moments = parameters.map { parameter in
      (0..<3).map { _ in Tensor.zeros(parameter.shape, precision) }
    }
    var losses: [Double] = []
    for step in golden.losses.indices {
      let context = Context(
        Engine(backend, precision), mode: .training(step: step, seed: 0), tape: Tape())
      let conditionals = model.conditionals(batch, in: context)
      if step == 0 {
        expectClose(
          logits(conditionals), golden.logits, tolerance: logitTolerance, "logits",
          sourceLocation: sourceLocation)
      }
      let logProbability = conditionals.logProbability(of: batch, in: context)
      losses.append(-logProbability.value.values.reduce(0, +) / Double(batch.count))
      let gradients = context.gradients(of: logProbability, seed: -1 / Double(batch.count))
      for (parameter, scratch) in zip(parameters, moments) {
        guard parameter.learns else {
          #expect(gradients[parameter] == nil, "\(parameter.name)")
          continue
        }
        let gradient = try #require(gradients[parameter], "\(parameter.name) has no gradient")
        if step == 0 {
          expectClose(
            gradient.values, try #require(byName[parameter.name]).gradient,
            tolerance: gradientTolerance, "gradient of \(parameter.name)",
            sourceLocation: sourceLocation)
        }
        var rates = AdamWStep(learningRate: 1e-2, step: step + 1, averageDecay: 0)
        rates.weightDecay = parameter.decays ? 0.01 : 0
        backend.adamW(
          rates, weights: parameter.value, gradient: gradient, first: scratch[0],
          second: scratch[1], average: scratch[2], copy: nil, nil)
      }
    }
    expectClose(
      losses, golden.losses, tolerance: lossTolerance, "losses", sourceLocation: sourceLocation)
  }

  /// The logits behind a model's conditionals, whichever its head.
  private func logits(_ distribution: any PixelDistribution) -> [Double] {
    switch distribution {
    case let bernoulli as Bernoulli: return bernoulli.logits.value.values
    case let categorical as Categorical: return categorical.logits.value.values
    case let mixture as LogisticMixture: return mixture.outputs.value.values
    case let mixture as NormalMixture: return mixture.outputs.value.values
    case let split as SplitConditionals: return logits(split.conditionals)
    default:
      Issue.record("no logits in \(type(of: distribution))")
      return []
    }
  }
}
