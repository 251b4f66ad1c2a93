import CPU
import Foundation
import Generation
import Heads
import Images
import Layers
import Models
import Randomness
import Tensors
import TestSupport
import Testing

/// Completions against posteriors that can be counted out.
@Suite struct Completing {
  let fast = Context(Engine(CPUBackend.shared, .float32))

  private static let cases = [
    ModelCase(
      name: "fvsbn", settings: [:], head: .bernoulli,
      image: ImageShape(height: 3, width: 3, channels: 1)),
    ModelCase(
      name: "pixelcnn", settings: ["blocks": "1", "channels": "6"], head: .categorical(2),
      image: ImageShape(height: 1, width: 3, channels: 3)),
    ModelCase(
      name: "pixelcnn", settings: ["blocks": "1", "channels": "6"],
      head: .logisticMixture(2, components: 2), image: ImageShape(height: 1, width: 3, channels: 3)),
  ]
  /// Of nine sub-pixels, pixel by pixel or in three colours: what comes after the hole is seen.
  private static func inside(_ modelCase: ModelCase) -> Hole {
    modelCase.image.channels == 1
      ? Hole(pixels: [false, true, true, false, true, false, true, false, false], channels: 1)
      : Hole(pixels: [false, true, false], channels: 3)
  }

  private func build(_ modelCase: ModelCase) throws -> any DensityModel {
    // Dependent, but nothing certain.
    try modelCase.build(
      precision: .float32, spread: modelCase.name == "fvsbn" ? 2.5 : 0.7
    ).model
  }

  /// p(hole | what is seen) of every filling, by its number to base two.
  private func posterior(
    _ model: any DensityModel, _ image: [UInt8], _ hole: Hole
  ) -> [Double] {
    let places = image.indices.filter { hole.isHidden[$0] }
    let fillings = 0..<1 << places.count
    let symbols = fillings.flatMap { filling in
      var one = image
      for (bit, place) in places.enumerated() { one[place] = UInt8(filling >> bit & 1) }
      return one
    }
    let logs = model.logProbability(
      of: PixelBatch(
        count: fillings.count, height: model.image.height, width: model.image.width,
        channels: model.image.channels, levels: 2, symbols: symbols), in: fast)
    let total = logSumExp(logs)
    return logs.map { exp($0 - total) }
  }

  private func number(_ symbols: ArraySlice<UInt8>, _ hole: Hole) -> Int {
    let places = hole.isHidden.indices.filter { hole.isHidden[$0] }
    return places.enumerated().reduce(0) {
      $0 + Int(symbols[symbols.startIndex + $1.element]) << $1.offset
    }
  }

  /// How many standard deviations Pearson's statistic of drawn fillings is above its mean; rare ones are
  /// pooled until each cell expects five.
  private func excess(_ images: PixelBatch, _ posterior: [Double], _ hole: Hole) -> Double {
    var counts = [Double](repeating: 0, count: posterior.count)
    let d = images.dimension
    for n in 0..<images.count {
      counts[number(images.symbols[n * d..<(n + 1) * d], hole)] += 1
    }
    var (statistic, cells, pooled) = (0.0, 0, (expected: 0.0, found: 0.0))
    for i in posterior.indices.sorted(by: { posterior[$0] < posterior[$1] }) {
      pooled.expected += posterior[i] * Double(images.count)
      pooled.found += counts[i]
      guard pooled.expected >= 5 else { continue }
      statistic +=
        (pooled.found - pooled.expected) * (pooled.found - pooled.expected)
        / pooled.expected
      cells += 1
      pooled = (0, 0)
    }
    #expect(cells >= 3, "too few cells to tell")
    let freedom = Double(cells - 1)
    return (statistic - freedom) / (2 * freedom).squareRoot()
  }

  /// About four standard deviations: one in thirty thousand for what is right.
  private static let limit = 4.0

  @Test("a hole after all that is seen is filled by exact draws", arguments: cases)
  func last(_ modelCase: ModelCase) throws {
    let model = try build(modelCase)
    let image = modelCase.randomBatch(1).symbols
    let hole = Hole(
      pixels: (0..<9 / modelCase.image.channels).map { $0 >= 3 / modelCase.image.channels },
      channels: modelCase.image.channels)
    #expect(hole.isLast)
    let found = try #require(
      try Completion(model, in: fast, seed: 1).complete(image, hole, count: 3_000))
    #expect(found.method == .exact && found.effective == nil)
    #expect(excess(found.images, posterior(model, image, hole), hole) < Self.limit)
  }

  @Test("particles follow the posterior given what is seen after the hole", arguments: cases)
  func particles(_ modelCase: ModelCase) throws {
    let model = try build(modelCase)
    let image = modelCase.randomBatch(1, seed: 5).symbols
    let hole = Self.inside(modelCase)
    let expected = posterior(model, image, hole)
    let found = try #require(
      try Completion(model, in: fast, particles: 200, seed: 1).complete(image, hole, count: 2_000))
    #expect(found.method == .particles)
    #expect(excess(found.images, expected, hole) < Self.limit)
    let effective = try #require(found.effective)
    #expect(effective > 1 && effective < 200)
    #expect(try #require(found.lines) > 1)
    for n in 0..<found.images.count {
      for place in 0..<9 where !hole.isHidden[place] {
        #expect(found.images.symbols[n * 9 + place] == image[place])
      }
    }
    // One particle has no other to be weighed against: it ignores what comes after, and the test sees it.
    let naive = try #require(
      try Completion(model, in: fast, particles: 1, seed: 1).complete(image, hole, count: 2_000))
    #expect(excess(naive.images, expected, hole) > 2 * Self.limit)
  }

  @Test("the probability of a hole is the posterior's, and that of what is drawn", arguments: cases)
  func probability(_ modelCase: ModelCase) throws {
    let model = try build(modelCase)
    let hole = Self.inside(modelCase)
    var image = modelCase.randomBatch(1, seed: 5).symbols
    let posterior = posterior(model, image, hole)
    // Its likeliest filling, which is often drawn.
    let likeliest = try #require(posterior.firstIndex(of: posterior.max()!))
    for (bit, place) in image.indices.filter({ hole.isHidden[$0] }).enumerated() {
      image[place] = UInt8(likeliest >> bit & 1)
    }
    let expected = log(posterior[likeliest])
    func found(_ particles: Int, seed: UInt64, runs: Int) throws -> Completion.HoleProbability {
      try #require(
        try Completion(model, in: fast, particles: particles, seed: seed).holeProbability(
          of: image, hole, runs: runs))
    }
    let many = try found(2_000, seed: 2, runs: 20)
    #expect(abs(many.given - expected) < 0.05 && abs(many.drawn - expected) < 0.05)
    // One particle ignores what comes after.
    let one = try found(1, seed: 2, runs: 3)
    #expect(abs(one.drawn - one.naive) < 1e-4 && one.naive == many.naive)
    // Three find it as often as is told.
    let draws = 4_000
    let completions = try #require(
      try Completion(model, in: fast, particles: 3, seed: 6).complete(image, hole, count: draws))
    let share =
      Double(
        (0..<draws).count {
          number(completions.images.symbols[$0 * 9..<($0 + 1) * 9], hole) == likeliest
        }) / Double(draws)
    let told = exp(try found(3, seed: 7, runs: 4_000).drawn)
    // Four standard errors, and as much again for what is told.
    #expect(abs(share - told) < 8 * (told * (1 - told) / Double(draws)).squareRoot())
    // Few particles give it too much in the mean.
    let few = try (0..<200).map { try found(2, seed: $0, runs: 1).given }
    let mean = few.reduce(0, +) / 200
    let error = few.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot() / 200
    #expect(mean > expected - 4 * error)
  }

  @Test("the same images whatever the threads")
  func threads() async {
    await #expect(processExitsWith: .success) {
      let (model, _) = try Completing.cases[0].build(precision: .float32, spread: 2)
      let completion = Completion(
        model, in: Context(Engine(CPUBackend.shared, .float32)), particles: 20, seed: 3)
      let image = Completing.cases[0].randomBatch(1).symbols
      func drawn(_ threads: Int) throws -> [UInt8]? {
        CPUBackend.shared.threads = threads
        return try completion.complete(image, Completing.inside(Completing.cases[0]), count: 9)?
          .images.symbols
      }
      guard let one = try drawn(1), try drawn(2) == one else { fatalError("others") }
    }
  }

  @Test("stops when told to")
  func stops() throws {
    let completion = Completion(try build(Self.cases[0]), in: fast, particles: 4)
    let image = Self.cases[0].randomBatch(1).symbols
    let hole = Self.inside(Self.cases[0])
    #expect(try completion.complete(image, hole, count: 2) { $0 < 0.5 } == nil)
    #expect(try completion.holeProbability(of: image, hole) { _ in false } == nil)
  }

  @Test("a density that can be told in any order fills any hole by exact draws")
  func reordering() throws {
    let model = Clusters(order: Array(0..<9))
    let image: [UInt8] = [0, 1, 1, 0, 1, 0, 0, 1, 1]
    let hole = Self.inside(Self.cases[0])
    let expected = posterior(model, image, hole)
    let completion = Completion(model, in: fast, seed: 4)
    let found = try #require(try completion.complete(image, hole, count: 3_000))
    #expect(found.method == .reordering)
    #expect(excess(found.images, expected, hole) < Self.limit)
    let told = try #require(try completion.holeProbability(of: image, hole))
    #expect(told.given == told.drawn)
    #expect(abs(told.given - log(expected[number(image[...], hole)])) < 1e-5)
  }

  @Test("images of unknown class are completed under the mixture of classes")
  func classes() throws {
    let modelCase = Self.cases[0].told(classes: 3)
    let (model, _) = try modelCase.build(precision: .float32, spread: 2)
    let mixture = ClassMixture(model, counts: [3, 1, 1])
    let image = modelCase.randomBatch(1, seed: 5).symbols
    let hole = Self.inside(modelCase)
    let found = try #require(
      try Completion(mixture, in: fast, particles: 100, seed: 1).complete(image, hole, count: 800))
    #expect(excess(found.images, posterior(mixture, image, hole), hole) < Self.limit)
  }
}

/// Σ_k p(k) ∏ p_k,i: independent sub-pixels given one of two clusters, told in any order.
private struct Clusters: Reorderable {
  let order: [Int]
  let image = ImageShape(height: 3, width: 3, channels: 1)
  let head = Head.bernoulli
  let multiplyAdds = 0
  private let owner = Parameter(name: "clusters", value: Tensor([1], .float32), decays: false)

  init(order: [Int]) { self.order = order }

  func told(in order: [Int]) -> any DensityModel { Clusters(order: order) }

  private func p(_ cluster: Int, _ place: Int) -> Double {
    let share = 0.15 + 0.7 * Double((order[place] * 5 + 2) % 9) / 8
    return cluster == 0 ? share : 1 - share
  }

  private final class State: LayerState {
    var logs: [[Double]]
    init(_ logs: [[Double]]) { self.logs = logs }
    func copy(of images: [Int]) -> State { State(images.map { logs[$0] }) }
  }

  func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    let state =
      context.memory?.state(of: owner) {
        State(Array(repeating: [log(0.4), log(0.6)], count: batch.count))
      } ?? State(Array(repeating: [log(0.4), log(0.6)], count: batch.count))
    let known = context.memory?.known ?? 9
    var logits: [Double] = []
    for n in 0..<batch.count {
      func told(_ place: Int, _ symbol: UInt8) {
        for k in 0..<2 { state.logs[n][k] += log(symbol == 1 ? p(k, place) : 1 - p(k, place)) }
      }
      func next(_ place: Int) {
        let total = logSumExp(state.logs[n])
        let mean = (0..<2).reduce(0) { $0 + exp(state.logs[n][$1] - total) * p($1, place) }
        logits.append(log(mean / (1 - mean)))
      }
      let symbols = batch.symbols[n * batch.dimension..<(n + 1) * batch.dimension]
      for (i, symbol) in symbols.enumerated() {
        let place = known - batch.dimension + i
        if context.memory == nil { next(place) }
        told(place, symbol)
      }
      if context.memory != nil { next(known) }
    }
    let shape: Shape = [batch.count, logits.count / batch.count]
    return head.distribution(Variable(Tensor(shape, values: logits)), channels: 1)
  }
}
