import Detection
import Foundation
import Images
import Layers
import Models
import RunFiles
import Tensors
import TestSupport
import Testing
import Training

/// Scores that take passes of their own, against their definitions.
@Suite struct FurtherTests {
  private let folder = TemporaryFolder()

  /// A small model of weights that were drawn and not learned.
  private func run(
    _ name: String = "run", seed: UInt64 = 5, family: String = "made",
    settings: [String: String] = ["hidden": "12"]
  ) throws -> TrainedModel {
    let path = folder.file(name)
    let shape = ImageShape(height: 4, width: 4, channels: 1)
    let model = try ModelSpecification(
      name: family, settings: settings, head: .bernoulli, image: shape, seed: seed)
    let images = DataSet(
      height: 4, width: 4, channels: 1, pixels: [UInt8](repeating: 0, count: 16), names: ["a"])
    let configuration = RunConfiguration(
      model: model, pixels: .threshold,
      data: DataDescription(path: "", training: images, validationPath: nil, validation: nil),
      training: TrainingOptions(duration: .epochs(1), batch: 1, learningRate: 1e-3), seed: 1)
    let run = try RunFolder.create(at: path, configuration: configuration)
    let store = ParameterStore(seed: seed)
    _ = try model.build(in: store)
    try TensorFile.write(
      store.parameters.map { parameter in
        TensorSource(parameter.name, type: .float32, shape: parameter.value.shape.sides) {
          try parameter.value.withBytes($0)
        }
      }, metadata: [:], to: run.weightsFile)
    return try TrainedModel(run: path, backend: ReferenceBackend())
  }

  private let image: [UInt8] = [
    0, 255, 255, 0, 255, 0, 0, 0, 255, 255, 0, 255, 0, 0, 255, 0,
  ]

  private func data(_ pixels: [UInt8]) -> DataSet {
    DataSet(height: 4, width: 4, channels: 1, pixels: pixels, names: ["image"])
  }

  private func value(_ score: String, _ table: ScoreTable) throws -> Double {
    try #require(table.values(of: score))[0]
  }

  /// Written out, each way of turning or exchanging by itself.
  @Test func likelihoodsAreThoseOfMovedImages() throws {
    let trained = try run()
    let other = try run("other", seed: 9)
    let scorer = try Scorer(
      trained, further: FurtherScores(["shaking", "stirring"], against: other))
    let table = try #require(try scorer.table(of: data(image)))
    func nats(_ run: TrainedModel, _ at: (_ y: Int, _ x: Int) -> (Int, Int)) -> Double {
      let pixels = (0..<16).map { i in
        let (y, x) = at(i / 4, i % 4)
        return image[y * 4 + x]
      }
      return -run.logProbability(of: run.batch(of: data(pixels), 0..<1))[0]
    }
    let own = nats(trained) { ($0, $1) }
    #expect(abs(table.rows[0].nats - own) < 1e-4)
    let turns: [(Int, Int) -> (Int, Int)] = [
      { ($0, 3 - $1) }, { (3 - $0, $1) }, { (3 - $0, 3 - $1) }, { ($1, $0) }, { ($1, 3 - $0) },
      { (3 - $1, $0) }, { (3 - $1, 3 - $0) },
    ]
    let turned = turns.reduce(0) { $0 + nats(trained, $1) } / 7
    #expect(try abs(value("stirring", table) - (own - turned)) < 1e-4)
    // a, b, c and d are the quarters; no quarter stays.
    let orders = ["badc", "bcda", "bdac", "cadb", "cdab", "cdba", "dabc", "dcab", "dcba"]
    let exchanged = orders.reduce(0) { sum, order in
      sum
        + nats(trained) { y, x in
          let name = Array(order.utf8)[y / 2 * 2 + x / 2] - UInt8(ascii: "a")
          return (Int(name) / 2 * 2 + y % 2, Int(name) % 2 * 2 + x % 2)
        }
    }
    #expect(try abs(value("shaking", table) - (own - exchanged / 9)) < 1e-4)
    #expect(try abs(value("ratio", table) - (own - nats(other) { ($0, $1) })) < 1e-4)
  }

  @Test("orders disagree by the standard deviation of their nats") func disagreement() throws {
    let trained = try run("orders", family: "deep-nade", settings: ["hidden": "7"])
    let table = try #require(
      try Scorer(trained, further: FurtherScores(["disagreement"])).table(of: data(image)))
    let batch = trained.batch(of: data(image), 0..<1)
    let model = try #require(trained.model as? any Reordering)
    let nats = (0..<8).map { number in
      -model.telling(inOrder: number).logProbability(
        of: batch.told(in: model.order(number)), in: trained.context)[0]
    }
    let mean = nats.reduce(0, +) / 8
    let variance = nats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 7
    #expect(variance > 1e-4)
    #expect(try abs(value("disagreement", table) - variance.squareRoot()) < 1e-4)
    let one = try run("one order")
    #expect(throws: DetectionError.notOfRun(score: "disagreement", run: one.run.path)) {
      _ = try Scorer(one, further: FurtherScores(["disagreement"]))
    }
  }

  /// Not of a square: three turns; and sides that are odd keep their last row and column.
  @Test func otherSides() {
    let batch = PixelBatch(
      count: 1, height: 3, width: 5, channels: 3, levels: 256, symbols: (0..<45).map { UInt8($0) })
    #expect(batch.turns.count == 3 && batch.derangements.count == 9)
    for places in batch.turns + batch.derangements {
      let moved = batch.moved(from: places).symbols
      #expect(moved.sorted() == batch.symbols && moved != batch.symbols)
      // The channels of a pixel stay together.
      for pixel in 0..<15 {
        #expect(moved[3 * pixel] % 3 == 0 && moved[3 * pixel + 2] == moved[3 * pixel] + 2)
      }
    }
    for places in batch.derangements {
      let moved = batch.moved(from: places).symbols
      #expect(moved.suffix(15) == batch.symbols.suffix(15) && moved[12] == 12)
      #expect(moved[0] != 0 && moved[3] != 3 && moved[6] != 6)
    }
  }

  @Test func gradientsAreFiniteDifferences() throws {
    let trained = try run()
    let table = try #require(
      try Scorer(trained, further: FurtherScores(["gradient"])).table(of: data(image)))
    let batch = trained.batch(of: data(image), 0..<1)
    var logs: [Double] = []
    for parameter in trained.parameters {
      let tensor = parameter.value
      let start = tensor.values
      var square = 0.0
      for index in start.indices {
        func logProbability(_ step: Double) -> Double {
          var moved = start
          moved[index] += step
          tensor.write(moved)
          return trained.model.logProbability(
            of: batch, in: Context(Engine(ReferenceBackend(), .float32)))[0]
        }
        let slope = (logProbability(1e-2) - logProbability(-1e-2)) / 2e-2
        square += slope * slope
      }
      tensor.write(start)
      logs.append(log(square))
    }
    let expected = logs.reduce(0, +) / Double(logs.count)
    #expect(try abs(value("gradient", table) - expected) < 0.02)
  }

  @Test func refusals() throws {
    let trained = try run()
    #expect(throws: DetectionError.unknownFurther("x", known: Score.further.map(\.name))) {
      try FurtherScores(["x"])
    }
    #expect(throws: DetectionError.self) { try FurtherScores(["ratio"]) }
    // Ranked by another run than the normal images were.
    let calibration = try Calibration(
      scores: ["nats": [1]], data: "", against: try run("first", seed: 2).weightsFingerprint)
    let other = try FurtherScores([], against: run("second", seed: 3))
    #expect(throws: DetectionError.otherWeights(path: trained.run.calibrationFile)) {
      try Scorer(trained, calibration: calibration, further: other)
    }
  }
}
