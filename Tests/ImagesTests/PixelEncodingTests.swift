import Foundation
import Images
import Testing

@Suite struct PixelEncodingTests {
  /// One image that holds every intensity once, in order.
  private let ramp = DataSet(
    height: 16, width: 16, channels: 1, pixels: (0...255).map { UInt8($0) }, names: ["ramp"])

  private func symbols(_ encoding: PixelEncoding) -> [UInt8] {
    encoding.batch(of: ramp, indices: [0], seed: 1).symbols
  }

  @Test func thresholdIsAtTheMiddle() {
    #expect(symbols(.threshold) == (0...255).map { $0 < 128 ? 0 : 1 })
  }

  @Test(arguments: [2, 3, 16, 255, 256]) func levelsAreEqualSteps(count: Int) {
    let batch = PixelEncoding.levels(count).batch(of: ramp, indices: [0], seed: 1)
    #expect(batch.levels == count)
    #expect(batch.symbols == (0...255).map { UInt8($0 * count / 256) })
    #expect(Set(batch.symbols).count == count)
    let shown = PixelEncoding.levels(count).image(from: batch, at: 0)
    #expect(shown.pixels.first == 0 && shown.pixels.last == 255)
    for (symbol, intensity) in zip(batch.symbols, shown.pixels) {
      let exact = Double(symbol) * 255 / Double(count - 1)
      #expect(abs(Double(intensity) - exact) <= 0.5)
    }
  }

  @Test func stochasticFollowsTheIntensity() {
    let epochs = 4000
    var ones = [Int](repeating: 0, count: 256)
    for epoch in 0..<epochs {
      let batch = PixelEncoding.stochastic.batch(of: ramp, indices: [0], epoch: epoch, seed: 3)
      for (intensity, symbol) in batch.symbols.enumerated() { ones[intensity] += Int(symbol) }
    }
    #expect(ones[0] == 0)
    #expect(ones[255] == epochs)
    // Standardised, squared and added up: chi-squared with 254 degrees, standard deviation 22.5.
    let chiSquared = (1...254).reduce(0.0) { sum, intensity in
      let p = Double(intensity) / 255
      let excess = Double(ones[intensity]) - Double(epochs) * p
      return sum + excess * excess / (Double(epochs) * p * (1 - p))
    }
    #expect(abs(chiSquared - 254) < 5 * 22.5)
  }

  @Test func stochasticDrawsBelongToImageAndEpoch() {
    let pair = DataSet(
      height: 16, width: 16, channels: 1, pixels: ramp.pixels + ramp.pixels, names: ["a", "b"])
    func draw(_ indices: [Int], epoch: Int, seed: UInt64 = 1) -> [UInt8] {
      PixelEncoding.stochastic.batch(of: pair, indices: indices, epoch: epoch, seed: seed).symbols
    }
    #expect(draw([0, 1], epoch: 0) == draw([0], epoch: 0) + draw([1], epoch: 0))
    #expect(draw([0], epoch: 0) != draw([1], epoch: 0))
    #expect(draw([0], epoch: 0) != draw([0], epoch: 1))
    #expect(draw([0], epoch: 0) != draw([0], epoch: 0, seed: 2))
    let evaluated = PixelEncoding.stochastic.batch(of: pair, indices: [0], seed: 1).symbols
    #expect(evaluated == draw([0], epoch: PixelEncoding.evaluationEpoch))
    #expect(evaluated != draw([0], epoch: 0))
  }

  @Test func stochasticDrawsOfEvaluationBelongToTheContent() {
    // Copies of one image among others, wherever they lie.
    let other = [UInt8](ramp.pixels.reversed())
    let folder = DataSet(
      height: 16, width: 16, channels: 1, pixels: ramp.pixels + other + ramp.pixels,
      names: ["a", "b", "c"])
    func draw(_ index: Int, seed: UInt64 = 1) -> [UInt8] {
      PixelEncoding.stochastic.batch(of: folder, indices: [index], seed: seed).symbols
    }
    #expect(draw(0) == draw(2))
    #expect(draw(0) != draw(0, seed: 2))
    // Another image has other draws, not the same ones against other intensities.
    #expect(zip(draw(0), draw(1).reversed()).contains { $0 != $1 })
  }

  @Test(arguments: [PixelEncoding.threshold, .stochastic, .levels(2), .levels(7)])
  func blackAndWhiteAreCertain(encoding: PixelEncoding) {
    let data = DataSet(
      height: 1, width: 4, channels: 1, pixels: [0, 255, 255, 0], names: ["x"], levelsOfSource: 2)
    let batch = encoding.batch(of: data, indices: [0], seed: 9)
    let top = UInt8(encoding.levels - 1)
    #expect(batch.symbols == [0, top, top, 0])
    #expect(encoding.image(from: batch, at: 0) == data.image(at: 0))
  }

  @Test func batchesKeepTheShapeOfColour() {
    let images = [testImage(1, channels: 3), testImage(2, channels: 3)]
    let data = DataSet(
      height: 5, width: 6, channels: 3, pixels: images.flatMap(\.pixels), names: ["a", "b"])
    let batch = PixelEncoding.levels(256).batch(of: data, indices: [1, 0], seed: 0)
    #expect(batch.shape == [2, 5, 6, 3])
    #expect(PixelEncoding.levels(256).image(from: batch, at: 0) == images[1])
    #expect(PixelEncoding.levels(256).image(from: batch, at: 1) == images[0])
  }

  @Test func isWrittenAsAWord() throws {
    for (encoding, text) in [
      (PixelEncoding.threshold, "threshold"), (.stochastic, "stochastic"),
      (.levels(16), "levels-16"),
    ] {
      #expect(
        String(decoding: try JSONEncoder().encode([encoding]), as: UTF8.self) == "[\"\(text)\"]")
      #expect(PixelEncoding(rawValue: text) == encoding)
    }
    for text in ["levels-1", "levels-257", "levels-", "levels", "Threshold", ""] {
      #expect(PixelEncoding(rawValue: text) == nil)
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode([PixelEncoding].self, from: Data("[\"\(text)\"]".utf8))
      }
    }
  }
}
