import Detection
import Foundation
import Images
import Randomness
import Testing

@Suite struct ExpertsVerdictTests {
  /// Three correlated numbers of the global expert and two of the local one, of a normal image.
  private struct Draw {
    var global: GlobalExpert.Statistics
    var surprise: Double
    var entropy: Double
    var excess: Double

    init(_ random: inout RandomStream, shift: Double = 0) {
      func normal(_ random: inout RandomStream) -> Double {
        (0..<12).reduce(-6) { sum, _ in sum + random.uniform() }
      }
      let common = normal(&random)
      global = .init(
        plus: exp(common + normal(&random)), minus: exp(common + normal(&random)),
        inside: 100 + 10 * normal(&random))
      surprise = exp(normal(&random) + shift)
      entropy = normal(&random)
      excess = surprise - entropy
    }
  }

  /// Folds differ in scale, as densities of few images do.
  private func scaled(_ statistics: GlobalExpert.Statistics, _ fold: Int)
    -> GlobalExpert.Statistics
  {
    .init(
      plus: statistics.plus * Double(fold + 1), minus: statistics.minus / Double(fold + 1),
      inside: statistics.inside + 5 * Double(fold))
  }

  private func verdict(_ random: inout RandomStream, held: Int) -> ExpertsVerdict {
    var calibration = ExpertsCalibration(
      held: [], folds: [[], [], [], []], scales: [1, 1, 1, 1], explainedShare: 0, weights: "")
    for index in 0..<held {
      let draw = Draw(&random)
      let fold = index % 4
      calibration.held.append(
        .init(
          name: "\(index)", surprisePeak: draw.surprise, entropyPeak: draw.entropy,
          excessPeak: draw.excess,
          fold: fold,
          place: calibration.folds[fold].count))
      calibration.folds[fold].append(scaled(draw.global, fold))
    }
    return ExpertsVerdict(calibration)
  }

  private func pValue(_ verdict: ExpertsVerdict, _ draw: Draw) -> Double {
    verdict.opinion(
      (0..<4).map { scaled(draw.global, $0) }, draw.surprise, draw.entropy, draw.excess
    )
    .pValue
  }

  @Test("p-values of fresh normal images are uniform", arguments: [40, 60, 100, 400])
  func uniform(_ held: Int) {
    var pValues: [Double] = []
    for split in 0..<40 {
      var random = RandomStream(seed: 7, "split", split, held)
      let verdict = verdict(&random, held: held)
      pValues += (0..<100).map { _ in pValue(verdict, Draw(&random)) }
    }
    for rate in [0.05, 0.1, 0.2, 0.5] {
      let found = Double(pValues.count { $0 <= rate }) / Double(pValues.count)
      // 40 splits of so few held-out images: their own error is the larger part.
      let error = (rate * (1 - rate) / 4000 + rate * (1 - rate) / Double(held) / 40).squareRoot()
      #expect(abs(found - rate) < 4 * error + 1 / Double(held + 1), "\(rate): \(found)")
    }
  }

  @Test("what is far out in one term alone is found, and what is far below is not odd")
  func tails() {
    var random = RandomStream(seed: 3, "tails")
    let verdict = verdict(&random, held: 100)
    var draw = Draw(&random)
    draw.surprise = 1e4
    #expect(pValue(verdict, draw) == 1 / 101.0)
    (draw.surprise, draw.entropy, draw.excess) = (0, -10, -10)
    draw.global = .init(plus: 0, minus: 0, inside: 0)
    #expect(pValue(verdict, draw) > 0.9)
    // A thin crack: nowhere more surprising than a rough normal image, but beyond what is expected there.
    draw.excess = 1e4
    #expect(pValue(verdict, draw) == 1 / 101.0)
    // Of a run of before, that is not known.
    var before = verdict.calibration
    for index in before.held.indices { before.held[index].excessPeak = nil }
    #expect(pValue(ExpertsVerdict(before), draw) > 0.9)
  }

  @Test("an ordinary excess counts nothing")
  func ordinaryExcess() {
    var random = RandomStream(seed: 5, "excess")
    let verdict = verdict(&random, held: 200)
    let draw = Draw(&random)
    func opinion(_ excess: Double) -> ExpertsVerdict.Opinion {
      verdict.opinion(
        (0..<4).map { scaled(draw.global, $0) }, draw.surprise, draw.entropy, excess)
    }
    let peaks = verdict.calibration.held.compactMap(\.excessPeak).sorted()
    // One of five normal images has as much; one of twenty-five.
    #expect(opinion(peaks[160]).excess == 0 && opinion(peaks[192]).excess > 0.5)
    #expect(opinion(peaks[160]).verdict == opinion(peaks[0]).verdict)
  }

  @Test("a tail goes on beyond the last of its values")
  func upperTail() {
    let tail = UpperTail((1...1000).map { Double($0) })
    #expect(abs(tail.depth(of: 500.5) - log(2)) < 2e-3)
    #expect(
      tail.depth(of: 1100) > tail.depth(of: 1000) && tail.depth(of: 2000) > tail.depth(of: 1100))
    #expect(tail.depth(of: -5) < 1e-3)
    let equal = UpperTail([2, 2, 2])
    #expect(equal.depth(of: 2) < equal.depth(of: 2.1))
    let without = UpperTail([1, 2, 3, 9]).leavingOut(9)
    #expect(without.depth(of: 3) == UpperTail([1, 2, 3]).depth(of: 3))
  }

  @Test("z is what all other pixels say of one")
  func z() {
    // Four numbers of which the first two are the same but for noise, by images of one block each.
    let side = GlobalExpert.side
    var random = RandomStream(seed: 4, "z")
    let images = (0..<40).map { _ -> [UInt8] in
      let (left, right) = (random.integer(below: 100), random.integer(below: 100))
      return (0..<side * side).map { i in
        UInt8(60 + (i % side < side / 2 ? left : right) + random.integer(below: 5))
      }
    }
    let expert = GlobalExpert(fitting: Array(images[..<30]), heldOut: Array(images[30...]))
    let normal = images[30...].map { expert.statistics(of: $0) }
    var scratched = images[31]
    for y in 20..<29 { for x in 40..<49 { scratched[y * side + x] += 40 } }
    let found = expert.statistics(of: scratched)
    #expect(found.plus > 3 * normal.map(\.plus).max()!)
    #expect(found.minus < found.plus)
    let z = expert.z(of: GlobalExpert.row(scratched)).boxMeans(9).maximum
    #expect(abs(z.x - 40) <= 1 && abs(z.y - 20) <= 1)
    // The scale makes z of unseen images one.
    let squares = images[30...].flatMap { expert.z(of: GlobalExpert.row($0)).values }
    #expect(abs(squares.reduce(0) { $0 + $1 * $1 } / Float(squares.count) - 1) < 1e-3)
  }

  @Test("images are held out by whole groups")
  func heldOut() {
    let groups = (0..<400).map { $0 / 5 }
    let held = heldOutImages(groups: groups, seed: 1)
    #expect((100...125).contains(held.count))
    let names = Set(held.map { groups[$0] })
    #expect(held == groups.indices.filter { names.contains(groups[$0]) })
    #expect(held != heldOutImages(groups: groups, seed: 2))
    #expect(heldOutImages(groups: [0, 1], seed: 0).count == 1)
    #expect(heldOutImages(groups: Array(0..<100), seed: 0).count == 50)
  }
}
