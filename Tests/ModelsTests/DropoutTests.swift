import Heads
import Images
import Models
import Tensors
import TestSupport
import Testing

@Suite struct DropoutTests {
  static let cases = ModelCase.families(.bernoulli, ImageShape(height: 4, width: 4, channels: 1))
    .filter { ModelFamily.named($0.name)!.settings.contains { $0.name == "dropout" } }

  private func logProbability(
    _ model: ModelCase, rate: String = "0.5", training: Bool, step: Int = 0, seed: UInt64 = 0
  ) throws -> [Double] {
    let built = try ModelCase(
      name: model.name, settings: model.settings.merging(["dropout": rate]) { $1 },
      head: model.head, image: model.image
    ).build(precision: .float64).model
    let context = Context(
      .reference, mode: training ? .training(step: step, seed: seed) : .evaluation,
      tape: training ? Tape() : nil)
    return built.logProbability(of: model.randomBatch(2), in: context)
  }

  @Test("what is dropped depends on the seed and the step, and repeats", arguments: cases)
  func keyed(_ model: ModelCase) throws {
    let once = try logProbability(model, training: true)
    #expect(try logProbability(model, training: true) == once)
    #expect(try logProbability(model, training: true, step: 1) != once)
    #expect(try logProbability(model, training: true, seed: 1) != once)
    #expect(try logProbability(model, rate: "0", training: true) != once)
  }

  @Test("nothing is dropped at inference", arguments: cases)
  func inference(_ model: ModelCase) throws {
    let once = try logProbability(model, training: false)
    #expect(try logProbability(model, training: false, step: 1, seed: 1) == once)
    #expect(try logProbability(model, rate: "0", training: false) == once)
  }

  @Test("elements are dropped at the rate, independently of their neighbours and of other keys")
  func rate() {
    let n = 100_000
    func kept(_ key: UInt64) -> [Double] {
      let y = Tensor([n], .float64)
      ReferenceBackend().dropout(
        DropoutMask(key: key, rate: 0.3),
        Tensor([n], .float64, values: Array(repeating: 1, count: n)),
        into: y)
      return y.values
    }
    let (a, b) = (kept(7), kept(8))
    #expect(Set(a) == [0, 1 / 0.7])
    // Means of products of 0-or-1/0.7 draws: 1, each with a standard error below 0.005.
    func mean(_ x: [Double], _ y: [Double]) -> Double {
      zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } / Double(min(x.count, y.count))
    }
    #expect(abs(a.reduce(0, +) / Double(n) - 1) < 0.01)
    #expect(abs(mean(a, Array(a.dropFirst())) - 1) < 0.02)
    #expect(abs(mean(a, b) - 1) < 0.02)
  }

  @Test("a rate is a number from 0 to below 1", arguments: ["1", "-0.1", "nan", "much", ""])
  func refused(_ rate: String) {
    #expect {
      try ModelSpecification(
        name: "pixelcnn", settings: ["dropout": rate], head: .bernoulli,
        image: ImageShape(height: 4, width: 4, channels: 1))
    } throws: { error in
      "\(error)" == "setting dropout of pixelcnn: expected a number 0 ≤ x < 1, found \(rate)"
    }
  }
}
