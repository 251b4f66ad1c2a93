import Detection
import Foundation
import Heads
import Images
import Models
import Randomness
import Tensors
import Testing

/// Scores against their definitions, of a small colour image and random logits.
@Suite struct ScoreTests {
  private let height = 5
  private let width = 6
  private let levels = 16
  private let batch: PixelBatch
  private let evidence: Evidence

  init() {
    var random = RandomStream(seed: 7, "scores")
    let (levels, subpixels) = (levels, height * width * 3)
    batch = PixelBatch(
      count: 2, height: height, width: width, channels: 3, levels: levels,
      symbols: (0..<2 * subpixels).map { _ in UInt8(random.integer(below: levels)) })
    let logits = Variable(
      Tensor(
        [2, subpixels * levels], .float32,
        values: (0..<2 * subpixels * levels).map { _ in 4 * random.uniform() }))
    let needs: Evidence.Needs = [.moments, .levels]
    let measures = Head.categorical(levels).distribution(logits, channels: 3).measures(
      of: batch, [.moments, .levels], in: Context(.reference))
    evidence = Evidence(1, of: batch, .levels(16), measures, needs)
  }

  private func value(_ name: String) throws -> Double {
    try #require(Score.all.first { $0.name == name }).value(of: evidence)
  }

  private func z(_ y: Int, _ x: Int, _ channel: Int) -> Double {
    let index = evidence.levelError.startIndex + (y * width + x) * 3 + channel
    let scale = 255 / Double(levels - 1)
    return -scale * Double(evidence.levelError[index])
      / (scale * scale * Double(evidence.levelVariance[index]) + 1).squareRoot()
  }

  private func correlation(_ pairs: [(Double, Double)]) -> Double {
    let products = pairs.reduce(0) { $0 + $1.0 * $1.1 }
    let squares = pairs.reduce((0, 0)) { ($0.0 + $1.0 * $1.0, $0.1 + $1.1 * $1.1) }
    return products / (squares.0 * squares.1).squareRoot()
  }

  @Test func partsOfTheLikelihoodAddUp() throws {
    for names in [
      (1...4).map { "nats_rows_\($0)" }, (1...4).map { "nats_columns_\($0)" },
      ["red", "green", "blue"].map { "nats_\($0)" },
    ] {
      let sum = try names.reduce(0) { try $0 + value($1) }
      #expect(abs(sum - evidence.nats) < 1e-3)
    }
    #expect(try abs(value("entropy") - Double(evidence.entropy.reduce(0, +)) * M_LN2) < 1e-3)
    let map = evidence.surpriseMap.bits
    let left = (0..<height).reduce(0.0) { $0 + Double(map[$1 * width]) } * M_LN2
    #expect(try abs(value("nats_columns_1") - left) < 1e-3)
  }

  @Test func residualsAreTheirDefinitions() throws {
    let all = (0..<height).flatMap { y in
      (0..<width).flatMap { x in (0..<3).map { z(y, x, $0) } }
    }
    let mean = all.reduce(0, +) / Double(all.count).squareRoot()
    #expect(try abs(value("level_residual") - mean) < 1e-6)
    func pairs(_ dy: Int, _ dx: Int) -> [(Double, Double)] {
      (0..<height - dy).flatMap { y in
        (0..<width - dx).flatMap { x in (0..<3).map { (z(y, x, $0), z(y + dy, x + dx, $0)) } }
      }
    }
    #expect(try abs(value("residual_right") - correlation(pairs(0, 1))) < 1e-6)
    #expect(try abs(value("residual_below") - correlation(pairs(1, 0))) < 1e-6)
    let colours = (0..<height).flatMap { y in (0..<width).map { (z(y, $0, 0), z(y, $0, 2)) } }
    #expect(try abs(value("residual_red_blue") - correlation(colours)) < 1e-6)
  }

  @Test func thePeakIsTheLargestBox() throws {
    let map = evidence.surpriseMap.bits
    var peak = 0.0
    for y in 0...height - 3 {
      for x in 0...width - 3 {
        let box = (0..<9).reduce(0.0) { $0 + Double(map[(y + $1 / 3) * width + x + $1 % 3]) }
        peak = max(peak, box / 9)
      }
    }
    #expect(try abs(value("surprise_peak") - peak) < 1e-6)
  }
}
