import Images
import Randomness
import Testing

private func grey(_ rows: [[UInt8]]) -> Image {
  Image(
    height: rows.count, width: rows[0].count, channels: 1, pixels: rows.flatMap(\.self))
}

private func noise(width: Int, height: Int, channels: Int) -> Image {
  var stream = RandomStream(seed: 2, "noise", width, height, channels)
  return Image(
    height: height, width: width, channels: channels,
    pixels: (0..<width * height * channels).map { _ in UInt8(stream.integer(below: 256)) })
}

@Suite struct ResizingTests {
  @Test func theSameSizeIsTheSameImage() {
    let image = noise(width: 7, height: 5, channels: 3)
    #expect(image.resized(height: 5, width: 7) == image)
  }

  @Test func wholeFactorsAverageBlocks() {
    let image = grey([[0, 10, 200, 201], [20, 30, 200, 201]])
    #expect(image.resized(height: 1, width: 2) == grey([[15, 201]]))  // 200.5 rounds up
    #expect(image.resized(height: 1, width: 4) == grey([[10, 20, 200, 201]]))
    #expect(image.resized(height: 2, width: 2) == grey([[5, 201], [25, 201]]))
  }

  @Test func pixelsAcrossTheBorderCountByTheirFraction() {
    #expect(grey([[0, 90, 180]]).resized(height: 1, width: 2) == grey([[30, 150]]))
    #expect(grey([[0], [90], [180]]).resized(height: 2, width: 1) == grey([[30], [150]]))
    // 5 -> 3: weights 3 and 2, then 1, 3 and 1, then 2 and 3 fifths.
    #expect(
      grey([[0, 50, 100, 150, 255]]).resized(height: 1, width: 3) == grey([[20, 100, 213]]))
  }

  @Test(arguments: [(5, 3), (1, 1), (12, 2)]) func averagingKeepsTheMean(width: Int, height: Int) {
    let image = noise(width: 13, height: 11, channels: 1)
    let small = image.resized(height: height, width: width)
    func mean(_ image: Image) -> Double {
      Double(image.pixels.reduce(0) { $0 + Int($1) }) / Double(image.pixels.count)
    }
    #expect(abs(mean(small) - mean(image)) <= 0.5)
  }

  @Test(arguments: [1, 4, 9, 30], [1, 5, 16]) func aConstantStaysConstant(width: Int, height: Int) {
    for value in [UInt8(0), 1, 127, 255] {
      let image = Image(
        height: 6, width: 9, channels: 3, pixels: [UInt8](repeating: value, count: 9 * 6 * 3))
      #expect(image.resized(height: height, width: width).pixels.allSatisfy { $0 == value })
    }
  }

  /// Catmull-Rom weights at a quarter: −0.0703, 0.8672, 0.2266, −0.0234.
  @Test func enlargingInterpolatesByCatmullRomAndClamps() {
    let impulse = grey([[0, 0, 200, 0, 0, 0]])
    let expected: [UInt8] = [0, 0, 0, 45, 173, 173, 45, 0, 0, 0, 0, 0]
    #expect(impulse.resized(height: 1, width: 12) == grey([expected]))
    let column = grey([[0], [0], [200], [0], [0], [0]])
    #expect(column.resized(height: 12, width: 1) == grey(expected.map { [$0] }))
    let hole = grey([[255, 255, 55, 255, 255, 255]])
    #expect(hole.resized(height: 1, width: 12) == grey([expected.map { 255 - $0 }]))
    // Undershoot shows where there is room for it: 100 − 0.0703 · 100, 100 − 0.0234 · 100.
    let raised = grey([[100, 100, 200, 100, 100, 100]]).resized(height: 1, width: 12)
    #expect(raised == grey([[100, 98, 93, 123, 187, 187, 123, 93, 98, 100, 100, 100]]))
  }

  @Test func enlargingKeepsARampStraight() {
    let ramp = grey([(0..<16).map { 10 * $0 }])
    let large = ramp.resized(height: 1, width: 64)
    for x in 8..<56 {  // Further out, the repeated border bends it.
      #expect(Double(large.pixels[x]) == (10 * ((Double(x) + 0.5) / 4 - 0.5) + 0.5).rounded(.down))
    }
  }

  @Test func channelsDoNotMix() {
    let image = noise(width: 10, height: 7, channels: 3)
    let resized = image.resized(height: 15, width: 4)
    for c in 0..<3 {
      func plane(_ image: Image) -> Image {
        Image(
          height: image.height, width: image.width, channels: 1,
          pixels: stride(from: c, to: image.pixels.count, by: 3).map { image.pixels[$0] })
      }
      #expect(plane(resized) == plane(image).resized(height: 15, width: 4))
    }
  }

  @Test func greyIsRoundedLuma() {
    let colours = Image(
      height: 1, width: 5, channels: 3,
      pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 250, 255, 255, 255])
    // 76.245, 149.685, 29.07, 28.5 and 255
    #expect(colours.converted(toChannels: 1) == grey([[76, 150, 29, 29, 255]]))
    #expect(colours.converted(toChannels: 3) == colours)
    let image = grey([[7, 9]])
    #expect(image.converted(toChannels: 3).pixels == [7, 7, 7, 9, 9, 9])
    #expect(image.converted(toChannels: 3).converted(toChannels: 1) == image)
  }
}
