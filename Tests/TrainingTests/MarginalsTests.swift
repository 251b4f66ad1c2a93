import Foundation
import Heads
import Images
import Layers
import Models
import TestSupport
import Testing
import Training

@Suite struct MarginalsTests {
  /// Images of 2×1 pixels in colour: the first always black, the others as often 3 as 0 of 0 … 3, but the
  /// last, which is 3 in three of four.
  private let images = DataSet(
    height: 1, width: 2, channels: 3,
    pixels: (0..<400).flatMap { n -> [UInt8] in
      let (odd, often) = (n % 2 == 0 ? UInt8(255) : 0, n % 4 == 0 ? UInt8(0) : 255)
      return [0, odd, odd, odd, odd, often]
    }, names: (0..<400).map { "\($0)" })

  @Test("a density starts at how often each level occurs, and its inputs at their means")
  func starts() throws {
    let specification = try ModelSpecification(
      name: "deep-nade", settings: ["hidden": "3"], head: .categorical(4),
      image: ImageShape(height: 1, width: 2, channels: 3), seed: 1)
    let model = try #require(
      try specification.learned(in: ParameterStore(seed: 1, precision: .float64))
        as? any DensityModel)
    model.startAtMarginals(of: images, pixels: .levels(4), seed: 1)
    let means = try #require(model.inputMeans).value.values
    // A count of one is added to each of four levels.
    let (half, most) = (202.0 / 404, (301.0 + (1 + 2) / 3) / 404)
    expectClose(means, [2.0 / 404, half, half, half, half, most], tolerance: 1e-12)
    let biases = try #require(model.outputBias).value.values
    func share(_ place: Int, _ level: Int) -> Double {
      let each = biases[place * 4..<place * 4 + 4].map(exp)
      return each[level] / each.reduce(0, +)
    }
    #expect(abs(share(0, 0) - 401.0 / 404) < 1e-12)
    #expect(abs(share(1, 3) - 201.0 / 404) < 1e-12)
    #expect(abs(share(5, 3) - 301.0 / 404) < 1e-12)
  }
}
