import CPU
import Foundation
import Heads
import Randomness
import Tensors
import TestSupport
import Testing

/// The discretised logistic mixture of coupled channels.
@Suite struct LogisticMixtureTests {
  let reference = Context(.reference)
  let fast = Context(Engine(CPUBackend.shared, .float32))

  /// Outputs of some pixels: means within the levels and beyond, scales narrow and wide.
  private func outputs(
    _ head: Head, channels: Int, pixels: Int, _ precision: Precision = .float64, scale: Double = 3
  ) -> Variable {
    let shape: Shape = [1, pixels, head.outputs(channels: channels)]
    let values = randomTensor(shape, .float64, "outputs").values.map { scale * $0 }
    return Variable(
      Tensor(shape, precision, values: Tensor(shape, .float32, values: values).values))
  }

  /// All levels of so many channels.
  private func everyPixel(_ levels: Int, channels: Int) -> [[UInt8]] {
    (0..<channels).reduce([[]]) { all, _ in
      all.flatMap { pixel in (0..<levels).map { pixel + [UInt8($0)] } }
    }
  }

  @Test(
    "a pixel is told by K (1 + 3 C) outputs where it has three channels, by 3 K where it has one")
  func sizes() {
    #expect(Head.logisticMixture(256).outputs(channels: 3) == 10 * (1 + 3 * 3))
    #expect(Head.logisticMixture(256, components: 7).outputs(channels: 1) == 7 * 3)
    #expect(Head.logisticMixture(256, components: 2).outputs(channels: 2) == 2 * 6)
    #expect(Head.logisticMixture(256).steps(channels: 3) == 1)
    #expect(Head.logisticMixture(256).outputsOfPixel(channels: 3) == 100)
  }

  @Test("levels sum to one, by the closed form and by the kernels", arguments: 2...256)
  func sums(_ levels: Int) {
    let head = Head.logisticMixture(levels, components: 3)
    for size in [0.1, 3, 12] {
      let narrow = outputs(head, channels: 1, pixels: 1, .float64, scale: size)
      let total = head.distribution(narrow, channels: 1).probabilities(image: 0, subpixel: 0)
      #expect(total.count == levels)
      #expect(abs(total.reduce(0, +) - 1) < 1e-12)
      // The same outputs for each level in turn.
      let own = Tensor(narrow.shape, .float32, values: narrow.value.values).values
      let all = Tensor([1, levels, own.count], .float32, values: (0..<levels).flatMap { _ in own })
      let logs = head.distribution(Variable(all), channels: 1).logProbability(
        of: (0..<levels).map(UInt8.init), in: fast
      ).value.values
      let sum = logs.reduce(0) { $0 + exp($1) }
      #expect(abs(sum - 1) < 1e-5)
    }
  }

  @Test("pixels of three channels sum to one", arguments: [2, 3, 6])
  func pixels(_ levels: Int) {
    let head = Head.logisticMixture(levels, components: 4)
    let all = everyPixel(levels, channels: 3)
    for (context, precision, tolerance) in [
      (reference, Precision.float64, 1e-12), (fast, .float32, 1e-5),
    ] {
      let own = outputs(head, channels: 3, pixels: 1, precision).value.values
      let many = Tensor(
        [all.count, 1, own.count], precision, values: all.flatMap { _ in own })
      let terms = head.distribution(Variable(many), channels: 3).logProbability(
        of: all.flatMap { $0 }, in: context
      ).value.values
      let total = all.indices.reduce(0) { $0 + exp(terms[3 * $1..<3 * $1 + 3].reduce(0, +)) }
      #expect(abs(total - 1) < tolerance)
    }
  }

  @Test("log p is the logarithm of the probability given the earlier channels")
  func logarithms() {
    let head = Head.logisticMixture(9, components: 4)
    let pixels = 40
    let distribution = head.distribution(outputs(head, channels: 3, pixels: pixels), channels: 3)
    var random = RandomStream(seed: 1, "symbols")
    let symbols = (0..<3 * pixels).map { _ in UInt8(random.integer(below: 9)) }
    let expected = symbols.indices.map { place in
      log(
        distribution.probabilities(
          image: 0, subpixel: place, given: symbols[place - place % 3..<place])[Int(symbols[place])]
      )
    }
    let found = distribution.logProbability(of: symbols, in: reference).value.values
    expectClose(found, expected, tolerance: 1e-12)
  }

  @Test("the far tail and the narrowest scale keep their digits")
  func tails() {
    let head = Head.logisticMixture(256, components: 1)
    // One component, far to the right and below the floor of −7: log p of level l is the slope of the
    // logistic's tail, e⁷ a unit.
    let own = Tensor([1, 1, 3], .float64, values: [0, 5, -30])
    let distribution = head.distribution(Variable(own), channels: 1)
    let logs = (0..<255).map {
      distribution.logProbability(of: [UInt8($0)], in: reference).value.values[0]
    }
    #expect(logs.allSatisfy { $0.isFinite })
    for (a, b) in zip(logs.dropFirst().dropLast(), logs.dropFirst(2)) {
      #expect(abs(b - a - 2 * exp(7) / 255) < 1e-9)
    }
    // So wide that nothing is left between the tails.
    let wide = Tensor([1, 1, 3], .float64, values: [0, 0, 1e30])
    let tails = head.distribution(Variable(wide), channels: 1).probabilities(image: 0, subpixel: 0)
    #expect(tails[0] == 0.5 && tails[255] == 0.5)
  }

  @Test("gradients agree with finite differences in double", arguments: [(2, 1), (5, 3), (256, 3)])
  func gradients(_ levels: Int, _ channels: Int) {
    let head = Head.logisticMixture(levels, components: 3)
    let pixels = 6
    let parameter = randomParameter("outputs", [1, pixels, head.outputs(channels: channels)])
    var random = RandomStream(seed: 4, "symbols")
    let symbols = (0..<pixels * channels).map { place in
      // The ends too.
      place == 0 ? 0 : place == 1 ? UInt8(levels - 1) : UInt8(random.integer(below: levels))
    }
    expectGradients(in: [parameter]) { context in
      head.distribution(context.variable(parameter), channels: channels).logProbability(
        of: symbols, in: context)
    }
  }

  @Test("below the floor a scale has no gradient")
  func floor() throws {
    let head = Head.logisticMixture(16, components: 1)
    let parameter = Parameter(
      name: "outputs", value: Tensor([1, 1, 3], .float64, values: [0, 0.1, -20]), decays: false)
    let context = Context(.reference, tape: Tape())
    let y = head.distribution(context.variable(parameter), channels: 1)
      .logProbability(of: [3], in: context)
    let gradient = try #require(context.gradients(of: y, seed: 1)[parameter]).values
    #expect(gradient[2] == 0 && gradient[1] < 0)
  }

  /// χ² of K levels exceeds K − 1 + 5 √(2 (K − 1)) by chance about once in a million.
  @Test("draws of each channel follow its conditional", arguments: [2, 6, 256])
  func draws(_ levels: Int) throws {
    let head = Head.logisticMixture(levels, components: 5)
    let count = 40_000
    for (context, precision) in [(fast, Precision.float32), (reference, .float64)] {
      let own = outputs(head, channels: 3, pixels: 1, precision, scale: 1.5).value.values
      let all = Tensor(
        [count, 1, own.count], precision, values: (0..<count).flatMap { _ in own })
      let distribution = head.distribution(Variable(all), channels: 3)
      for channel in 0..<3 {
        let earlier = [UInt8(levels / 3), UInt8(levels - 1)].prefix(channel)
        var random = RandomStream(seed: 9, "draws", channel)
        let drawn = try #require(
          distribution.draw(
            subpixel: channel, given: (0..<count).flatMap { _ in earlier },
            (0..<count).map { _ in random.uniform() }, in: context))
        var counts = [Int](repeating: 0, count: levels)
        for level in drawn { counts[Int(level)] += 1 }
        let expected = distribution.probabilities(image: 0, subpixel: channel, given: earlier)
        // Levels that are hardly ever expected are one.
        let rare = expected.indices.filter { expected[$0] * Double(count) < 5 }
        var (found, kept) = (counts, expected)
        for level in rare { (found[level], kept[level]) = (0, 0) }
        found.append(rare.reduce(0) { $0 + counts[$1] })
        kept.append(rare.reduce(0) { $0 + expected[$1] })
        let freedom = Double(kept.count { $0 > 0 } - 1)
        #expect(chiSquare(found, kept) < freedom + 5 * (2 * freedom).squareRoot() + 5)
      }
    }
  }

  /// Uniform numbers evenly spaced must come to the probabilities themselves, whatever the order in which
  /// components and levels share them out.
  @Test("an even grid of uniform numbers comes to the probabilities", arguments: [3, 40])
  func grid(_ levels: Int) throws {
    let head = Head.logisticMixture(levels, components: 3)
    let count = 100_000
    let uniforms = (0..<count).map { (Double($0) + 0.5) / Double(count) }
    for (context, precision) in [(fast, Precision.float32), (reference, .float64)] {
      let own = outputs(head, channels: 3, pixels: 1, precision, scale: 1).value.values
      let all = Tensor(
        [count, 1, own.count], precision, values: (0..<count).flatMap { _ in own })
      let distribution = head.distribution(Variable(all), channels: 3)
      let drawn = try #require(
        distribution.draw(
          subpixel: 2, given: (0..<count).flatMap { _ in [1, 2] as [UInt8] }, uniforms, in: context
        ))
      var shares = [Double](repeating: 0, count: levels)
      for level in drawn { shares[Int(level)] += 1 / Double(count) }
      let expected = distribution.probabilities(image: 0, subpixel: 2, given: [1, 2])
      // Each component may round off one grid point at each end of a level's share.
      for (a, b) in zip(shares, expected) { #expect(abs(a - b) < 3 * 2 / Double(count)) }
    }
  }

  @Test("the fast kernel draws what the reference draws, one pixel or many")
  func drawsAlike() throws {
    let head = Head.logisticMixture(256)
    let count = 333
    let given = (0..<2 * count).map { UInt8($0 * 37 % 256) }
    var random = RandomStream(seed: 2, "uniforms")
    let uniforms = (0..<count).map { _ in random.uniform() }
    func distribution(_ precision: Precision) -> any PixelDistribution {
      let shape: Shape = [count, 1, head.outputs(channels: 3)]
      let values = Tensor(
        shape, .float32,
        values: outputs(head, channels: 3, pixels: count).value.values
      ).values
      return head.distribution(Variable(Tensor(shape, precision, values: values)), channels: 3)
    }
    let quick = try #require(
      distribution(.float32).draw(subpixel: 2, given: given, uniforms, in: fast))
    let slow = try #require(
      distribution(.float64).draw(subpixel: 2, given: given, uniforms, in: reference))
    // A uniform number within a rounding of a boundary may tip over.
    let differing = zip(quick, slow).count { $0 != $1 }
    #expect(differing <= 1)
    for n in [0, 15, 16, 332] {
      let values = outputs(head, channels: 3, pixels: count).value.values
      let each = head.outputs(channels: 3)
      let one = Tensor([1, 1, each], .float32, values: Array(values[n * each..<(n + 1) * each]))
      let drawn = head.distribution(Variable(one), channels: 3).draw(
        subpixel: 2, given: Array(given[2 * n..<2 * n + 2]), [uniforms[n]], in: fast)
      #expect(drawn == [quick[n]])
    }
  }

  @Test("outputs that are no numbers make no draw")
  func notANumber() {
    let head = Head.logisticMixture(256, components: 2)
    for place in 0..<head.outputs(channels: 1) {
      for (context, precision) in [(fast, Precision.float32), (reference, .float64)] {
        var values = [0.0, 0, 0, 0, 0, 0]
        values[place] = .nan
        let own = Tensor([1, 1, 6], precision, values: values)
        // The component that is no number is drawn.
        let uniform = place % 2 == 0 ? 0.25 : 0.75
        #expect(
          head.distribution(Variable(own), channels: 1).draw(
            subpixel: 0, given: [], [uniform], in: context) == nil)
      }
    }
  }

  @Test("first biases come near the marginals, and never by more bits than a coin toss of them")
  func marginals() {
    let histograms: [[Double]] = [
      (0..<256).map { _ in 1 },
      (0..<256).map { exp(-pow((Double($0) - 90) / 25, 2)) + 1e-6 },
      (0..<256).map { $0 == 0 ? 700 : 1 },
      (0..<256).map { $0 < 40 || $0 > 200 ? 10 : 0.1 },
      (0..<7).map { Double($0 + 1) },
      [3, 1],
    ]
    for histogram in histograms {
      let total = histogram.reduce(0, +)
      let p = histogram.map { $0 / total }
      let head = Head.logisticMixture(p.count)
      let bias = head.bias(logFrequencies: [p.map { log($0) }])
      let own = Tensor([1, 1, bias.count], .float64, values: bias)
      let q = head.distribution(Variable(own), channels: 1).probabilities(image: 0, subpixel: 0)
      let excess = zip(p, q).reduce(0) { $0 + $1.0 * log2($1.0 / $1.1) }
      #expect(excess < 0.3, "\(excess) bits of \(p.count) levels")
    }
  }

  @Test("a head of whole pixels says so in its configuration")
  func json() throws {
    let head = Head.logisticMixture(32, components: 5)
    let data = try JSONEncoder().encode(head)
    #expect(try JSONDecoder().decode(Head.self, from: data) == head)
    for damaged in [
      #"{"kind":"logistic-mixture","levels":256}"#,
      #"{"kind":"logistic-mixture","levels":256,"components":0}"#,
      #"{"kind":"logistic-mixture","levels":256,"components":65}"#,
      #"{"kind":"logistic-mixture","levels":1,"components":3}"#,
    ] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(Head.self, from: Data(damaged.utf8))
      }
    }
  }
}
