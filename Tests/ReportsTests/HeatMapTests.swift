import Detection
import Foundation
import Images
import Reports
import Testing

@Suite struct ColourMapTests {
  /// Relative luminance of an sRGB colour, 0 … 1 (WCAG 2).
  func luminance(_ colour: (red: UInt8, green: UInt8, blue: UInt8)) -> Double {
    func linear(_ byte: UInt8) -> Double {
      let share = Double(byte) / 255
      return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green)
      + 0.0722 * linear(colour.blue)
  }

  @Test func luminanceRisesAtEveryStep() {
    let luminances = ColourMap.table.map(luminance)
    #expect(luminances.count == 256)
    for (darker, lighter) in zip(luminances, luminances.dropFirst()) { #expect(darker < lighter) }
    #expect(luminances.first! < 0.01 && luminances.last! > 0.9)
  }

  @Test func clipsAndMarksNaN() {
    #expect(ColourMap[-1] == ColourMap[0] && ColourMap[2] == ColourMap[1])
    #expect(ColourMap[.infinity] == ColourMap.table[255])
    #expect(ColourMap[0.5] == ColourMap.table[128])
    #expect(!ColourMap.table.contains { $0 == ColourMap[.nan] })
  }
}

@Suite struct HeatMapTests {
  let scale = HeatScale.standard(channels: 1)

  @Test func sameBitsSameColourWhateverElseIsInTheImage() {
    let calm = heatMap(SurpriseMap(bits: [3, 0, 0, 0], width: 2, height: 2), scale: scale)
    let wild = heatMap(
      SurpriseMap(bits: [3, 8, 100, .infinity], width: 2, height: 2), scale: scale)
    #expect(calm.pixels[0..<3] == wild.pixels[0..<3])
    let expected = ColourMap[3 / 8]
    #expect(Array(calm.pixels[0..<3]) == [expected.red, expected.green, expected.blue])
    // What is above the top, 8 bits, is clipped.
    #expect(wild.pixels[3..<6] == wild.pixels[6..<9] && wild.pixels[6..<9] == wild.pixels[9..<12])
    #expect(HeatScale.standard(channels: 3).topBits == 24)
  }

  @Test func standsBesideTheOriginalEnlarged() {
    var pixels = [UInt8](repeating: 10, count: 28 * 28)
    pixels[28 + 2] = 200
    let image = Image(height: 28, width: 28, channels: 1, pixels: pixels)
    var bits = [Float](repeating: 0, count: 28 * 28)
    bits[28 + 2] = 8
    let map = SurpriseMap(bits: bits, width: 28, height: 28)
    let both = sideBySide(image, map, scale: scale)
    #expect(both.width == 112 + 4 + 112 && both.height == 112 && both.channels == 3)
    func at(_ x: Int, _ y: Int) -> [UInt8] {
      Array(both.pixels[3 * (y * both.width + x)..<3 * (y * both.width + x) + 3])
    }
    // The pixel in row 1, column 2 covers a square of 4 x 4.
    #expect(at(8, 4) == [200, 200, 200] && at(11, 7) == [200, 200, 200])
    #expect(at(7, 4) == [10, 10, 10] && at(12, 7) == [10, 10, 10] && at(8, 8) == [10, 10, 10])
    let (top, bottom) = (ColourMap[1], ColourMap[0])
    #expect(at(116 + 8, 4) == [top.red, top.green, top.blue])
    #expect(at(116 + 12, 4) == [bottom.red, bottom.green, bottom.blue])
  }

  @Test func coloursStayInOrder() {
    let image = Image(height: 1, width: 1, channels: 3, pixels: [250, 120, 30])
    let both = sideBySide(image, SurpriseMap(bits: [0], width: 1, height: 1), scale: scale)
    #expect(Array(both.pixels[0..<3]) == [250, 120, 30])
    #expect(both.width == 228)
  }
}
