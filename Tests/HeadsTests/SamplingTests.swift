import Heads
import Randomness
import TestSupport
import Testing

@Suite struct Sampling {
  /// Levels 3 and 1 hold 0.7 of the mass; 0 and 4 are equal.
  let distribution = FixedDistribution(weights: [0.1, 0.3, 0.05, 0.4, 0.1, 0.05])

  private func levels(_ options: SamplingOptions) -> Set<Int> {
    let counts = distribution.counts(2000, options, levels: 6)
    return Set(counts.indices.filter { counts[$0] > 0 })
  }

  @Test func theDefaultsAreExact() {
    #expect(chiSquare(distribution.counts(20_000, levels: 6), distribution.weights) < 25)
    #expect(
      SamplingOptions() == SamplingOptions(temperature: 1, topK: nil, topP: nil, greedy: false))
  }

  @Test(
    arguments: [
      (1, [3]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 3, 4]), (5, [0, 1, 2, 3, 4]),
      (6, [0, 1, 2, 3, 4, 5]), (100, [0, 1, 2, 3, 4, 5]),
    ] as [(Int, Set<Int>)])
  func topK(_ k: Int, _ kept: Set<Int>) {
    #expect(levels(SamplingOptions(topK: k)) == kept)
  }

  @Test(
    arguments: [
      (1e-12, [3]), (0.39, [3]), (0.41, [1, 3]), (0.69, [1, 3]), (0.75, [0, 1, 3]),
      (0.85, [0, 1, 3, 4]), (0.92, [0, 1, 2, 3, 4]), (1.0, [0, 1, 2, 3, 4, 5]),
    ] as [(Double, Set<Int>)])
  func topP(_ p: Double, _ kept: Set<Int>) {
    #expect(levels(SamplingOptions(topP: p)) == kept)
  }

  @Test func whatIsKeptKeepsItsProportions() {
    let weights = [0, 0.3 / 0.7, 0, 0.4 / 0.7, 0, 0]
    for options in [
      SamplingOptions(topK: 2), SamplingOptions(topP: 0.6), SamplingOptions(topK: 2, topP: 0.9),
    ] {
      #expect(chiSquare(distribution.counts(20_000, options, levels: 6), weights) < 20)
    }
  }

  @Test(arguments: [0.5, 2])
  func temperatureIsAPowerOfTheProbabilities(_ temperature: Double) {
    let powers = distribution.weights.map { temperature == 0.5 ? $0 * $0 : $0.squareRoot() }
    let total = powers.reduce(0, +)
    let counts = distribution.counts(20_000, SamplingOptions(temperature: temperature), levels: 6)
    #expect(chiSquare(counts, powers.map { $0 / total }) < 25)
  }

  @Test(arguments: [
    SamplingOptions(greedy: true), SamplingOptions(temperature: 1e-3),
    SamplingOptions(temperature: .leastNormalMagnitude),
    SamplingOptions(temperature: .leastNonzeroMagnitude), SamplingOptions(topK: 1),
  ])
  func theColdestDrawIsTheMostProbableLevel(_ options: SamplingOptions) {
    #expect(levels(options) == [3])
  }

  @Test func ofEqualsTheGreedyDrawIsTheLowest() {
    let distribution = FixedDistribution(weights: [0.1, 0.3, 0.3, 0.3])
    #expect(distribution.counts(50, SamplingOptions(greedy: true), levels: 4) == [0, 50, 0, 0])
    #expect(distribution.counts(50, SamplingOptions(topK: 1), levels: 4) == [0, 50, 0, 0])
  }

  @Test("a level that cannot be is not drawn, at any temperature")
  func impossibleLevels() {
    let distribution = FixedDistribution(weights: [0, 0.5, 0, 0.5, 0])
    for temperature in [1e-300, 0.5, 1, 2, 1e300, .infinity] {
      let counts = distribution.counts(500, SamplingOptions(temperature: temperature), levels: 5)
      #expect(counts[0] + counts[2] + counts[4] == 0, "temperature \(temperature)")
      #expect(counts[1] > 150 && counts[3] > 150, "temperature \(temperature)")
    }
  }

  @Test func nonsenseOptionsTrap() async {
    await #expect(processExitsWith: .failure) { _ = SamplingOptions(temperature: 0) }
    await #expect(processExitsWith: .failure) { _ = SamplingOptions(topK: 0) }
    await #expect(processExitsWith: .failure) { _ = SamplingOptions(topP: 0) }
    await #expect(processExitsWith: .failure) { _ = SamplingOptions(topP: 1.5) }
  }
}
