import CPU
import Foundation
import Heads
import Randomness
import Tensors
import TestSupport
import Testing

/// What holds for every head: it is a distribution, scores what it draws, and survives any logits.
@Suite struct EveryHead {
  static let heads = [
    Head.bernoulli, .categorical(2), .categorical(5), .categorical(256), .logisticMixture(2),
    .logisticMixture(5, components: 3), .logisticMixture(256),
    .gaussianMixture(2, components: 2), .gaussianMixture(6, components: 3),
  ]

  let reference = Context(.reference)
  let fast = Context(Engine(CPUBackend.shared, .float32))

  /// Two images of three sub-pixels.
  private func logits(_ head: Head, _ precision: Precision, scale: Double = 4) -> Variable {
    let shape: Shape = [2, 3 * head.outputs(channels: 1)]
    return Variable(
      Tensor(
        shape, precision,
        values: randomTensor(shape, .float64, "logits").values.map { scale * $0 }))
  }

  @Test(arguments: heads)
  func probabilitiesSumToOne(_ head: Head) {
    let distribution = head.distribution(logits(head, .float64), channels: 1)
    for image in 0..<2 {
      for subpixel in 0..<3 {
        let probabilities = distribution.probabilities(image: image, subpixel: subpixel)
        #expect(probabilities.count == head.levels)
        #expect(abs(probabilities.reduce(0, +) - 1) < 1e-12)
        #expect(probabilities.allSatisfy { $0 > 0 })
      }
    }
  }

  @Test(arguments: heads)
  func logProbabilityIsTheLogarithmOfProbability(_ head: Head) {
    for (context, precision, tolerance) in [
      (reference, Precision.float64, 1e-13), (fast, .float32, 1e-5),
    ] {
      let distribution = head.distribution(logits(head, precision), channels: 1)
      var levels = Set(stride(from: 0, to: head.levels, by: 17))
      levels.insert(head.levels - 1)
      for level in levels {
        // A symbol of its own at each place, so that places cannot be mixed up.
        let symbols = (0..<6).map { UInt8((level + $0) % head.levels) }
        let expected = symbols.enumerated().map { place, symbol in
          log(distribution.probabilities(image: place / 3, subpixel: place % 3)[Int(symbol)])
        }
        let found = distribution.logProbability(of: symbols, in: context).value
        #expect(found.shape == [2, 3])
        expectClose(found.values, expected, tolerance: tolerance)
      }
    }
  }

  /// χ² of K levels exceeds K − 1 + 5 √(2 (K − 1)) by chance about once in a million.
  @Test(arguments: heads)
  func drawsFollowTheProbabilities(_ head: Head) {
    let distribution = head.distribution(logits(head, .float64, scale: 2), channels: 1)
    for (image, subpixel) in [(0, 0), (1, 2)] {
      let freedom = Double(head.levels - 1)
      let found = chiSquare(
        distribution.counts(50_000, levels: head.levels, image: image, subpixel: subpixel),
        distribution.probabilities(image: image, subpixel: subpixel))
      #expect(found < freedom + 5 * (2 * freedom).squareRoot() + 5)
    }
  }

  @Test(arguments: heads)
  func sameStreamSameDraws(_ head: Head) {
    let distribution = head.distribution(logits(head, .float64), channels: 1)
    func draws(_ seed: UInt64) -> [UInt8] {
      var random = RandomStream(seed: seed, "same")
      return (0..<40).map { distribution.sample(image: $0 % 2, subpixel: $0 % 3, using: &random) }
    }
    #expect(draws(1) == draws(1))
    #expect(draws(1) != draws(2))
  }

  @Test("the fast backend draws what the reference draws", arguments: heads)
  func drawsAlike(_ head: Head) throws {
    let shape: Shape = [500, head.outputs(channels: 1)]
    let values = randomTensor(shape, .float64, "logits").values.map { 3 * $0 }
    var random = RandomStream(seed: 3, "uniforms")
    let uniforms = (0..<500).map { _ in random.uniform() }
    func draws(_ context: Context, _ precision: Precision) throws -> [UInt8] {
      let logits = Variable(
        Tensor(shape, precision, values: Tensor(shape, .float32, values: values).values))
      return try #require(
        head.distribution(logits, channels: 1).draw(
          subpixel: 0, given: [], uniforms, options: SamplingOptions(), in: context))
    }
    let differing = zip(try draws(fast, .float32), try draws(reference, .float64)).count {
      $0 != $1
    }
    // A uniform number within a rounding of a boundary may tip over.
    #expect(differing <= 1)
  }

  @Test("a logit that is no number makes no draw", arguments: heads)
  func notANumber(_ head: Head) {
    for (context, precision) in [(fast, Precision.float32), (reference, .float64)] {
      let shape: Shape = [3, head.outputs(channels: 1)]
      var values = [Double](repeating: 0, count: shape.count)
      values[shape[1]] = .nan
      let distribution = head.distribution(
        Variable(Tensor(shape, precision, values: values)), channels: 1)
      for options in [SamplingOptions(), SamplingOptions(topK: 1)] {
        #expect(
          distribution.draw(
            subpixel: 0, given: [], [0.1, 0.5, 0.9], options: options, in: context) == nil)
      }
    }
  }

  @Test("no finite logits give a weight that is not a number", arguments: heads)
  func extremeLogits(_ head: Head) {
    let sizes = [0, 1, 100, 1000, 1e30, Double(Float.greatestFiniteMagnitude)]
    for size in sizes {
      for sign in [1.0, -1, 0] {
        // All equal, or of both signs in turn.
        let shape: Shape = [2, 3 * head.outputs(channels: 1)]
        let values = (0..<shape.count).map {
          sign == 0 ? ($0 % 2 == 0 ? size : -size) : sign * size
        }
        let distribution = head.distribution(
          Variable(Tensor(shape, .float32, values: values)), channels: 1)
        for options in [
          SamplingOptions(), SamplingOptions(temperature: 1e-300),
          SamplingOptions(temperature: 1e300), SamplingOptions(topK: 1),
          SamplingOptions(topP: 1e-9), SamplingOptions(greedy: true),
        ] {
          for place in 0..<6 {
            let weights = distribution.probabilities(image: place / 3, subpixel: place % 3)
            #expect(abs(weights.reduce(0, +) - 1) < 1e-12)
            var random = RandomStream(seed: 1, "extreme", place)
            let drawn = Int(
              distribution.sample(image: place / 3, subpixel: place % 3, options, using: &random))
            #expect(drawn < head.levels)
            #expect(weights[drawn] > 0)
          }
        }
      }
    }
  }

  @Test("outputs of any shape are cut into sub-pixels in memory order")
  func shapes() {
    let values = (0..<24).map(Double.init)
    let head = Head.categorical(2)
    let flat = head.distribution(Variable(Tensor([2, 12], .float64, values: values)), channels: 1)
    let image = head.distribution(
      Variable(Tensor([2, 1, 3, 4], .float64, values: values)), channels: 1)
    for subpixel in 0..<6 {
      #expect(
        flat.probabilities(image: 1, subpixel: subpixel)
          == image.probabilities(image: 1, subpixel: subpixel))
    }
    #expect(Head.bernoulli.outputs(channels: 3) == 1)
    #expect(Head.categorical(256).outputs(channels: 3) == 256)
    #expect(Head.categorical(256).outputsOfPixel(channels: 3) == 768)
  }

  @Test(arguments: heads)
  func survivesJSON(_ head: Head) throws {
    let data = try JSONEncoder().encode(head)
    #expect(try JSONDecoder().decode(Head.self, from: data) == head)
  }

  /// A configuration comes from the world: it is refused, never trusted and never trapped on.
  @Test(arguments: [
    #"{"kind":"categorical","levels":1}"#, #"{"kind":"categorical","levels":257}"#,
    #"{"kind":"categorical","levels":-3}"#, #"{"kind":"bernoulli","levels":3}"#,
    #"{"kind":"gaussian","levels":2}"#, #"{"kind":"bernoulli"}"#,
  ])
  func aDamagedHeadIsRefused(_ json: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Head.self, from: Data(json.utf8))
    }
  }
}
