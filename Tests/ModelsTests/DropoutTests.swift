import Heads
import Images
import Layers
import Models
import Tensors
import TestSupport
import Testing

@Suite struct DropoutTests {
  private func logProbability(training: Bool, step: Int = 0, seed: UInt64 = 0) throws -> [Double] {
    let image = ImageShape(height: 4, width: 4, channels: 1)
    let model = try ModelSpecification(
      name: "pixelcnn", settings: ["blocks": "2", "channels": "8", "dropout": "0.5"],
      head: .bernoulli, image: image
    ).build(in: ParameterStore(seed: 1, precision: .float64))
    let context = Context(
      .reference, mode: training ? .training(step: step, seed: seed) : .evaluation,
      tape: training ? Tape() : nil)
    let batch = PixelBatch(
      count: 2, height: 4, width: 4, channels: 1, levels: 2,
      symbols: (0..<32).map { UInt8($0 % 3 == 0 ? 1 : 0) })
    return model.logProbability(of: batch, in: context)
  }

  @Test("what is dropped depends on the seed and the step, and repeats")
  func keyed() throws {
    let once = try logProbability(training: true)
    #expect(try logProbability(training: true) == once)
    #expect(try logProbability(training: true, step: 1) != once)
    #expect(try logProbability(training: true, seed: 1) != once)
  }

  @Test("nothing is dropped at inference")
  func inference() throws {
    let once = try logProbability(training: false)
    #expect(try logProbability(training: false, step: 1, seed: 1) == once)
    #expect(try logProbability(training: true) != once)
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
