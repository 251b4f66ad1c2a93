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
}

@Suite struct HeatMapTests {
  let scale = HeatScale.bits(channels: 1)

  @Test func sameBitsSameColourWhateverElseIsInTheImage() {
    func heat(_ bits: [Float]) -> HeatMap {
      HeatMap(SurpriseMap(bits: bits, height: 2, width: 2), scale: scale)
    }
    let calm = heat([3, 0, 0, 0])
    let wild = heat([3, 8, 100, .infinity])
    #expect(calm.steps[0] == wild.steps[0] && calm.steps[0] == 96)
    let expected = ColourMap.table[96]
    #expect(Array(calm.image.pixels[0..<3]) == [expected.red, expected.green, expected.blue])
    // What is above the top, 8 bits, is clipped.
    #expect(wild.steps[1...] == [255, 255, 255])
    #expect(heat([-1, .nan, 0, 0]).steps == [0, 255, 0, 0])
    #expect(HeatScale.bits(channels: 3).ends == 0...24)
  }

  @Test func standsBesideTheOriginalEnlarged() {
    var pixels = [UInt8](repeating: 10, count: 28 * 28)
    pixels[28 + 2] = 200
    let image = Image(height: 28, width: 28, channels: 1, pixels: pixels)
    var bits = [Float](repeating: 0, count: 28 * 28)
    bits[28 + 2] = 8
    let both = sideBySide(
      image, HeatMap(SurpriseMap(bits: bits, height: 28, width: 28), scale: scale))
    #expect(both.width == 3 * 112 + 2 * 4 && both.height == 112 && both.channels == 3)
    func at(_ x: Int, _ y: Int) -> [UInt8] {
      Array(both.pixels[3 * (y * both.width + x)..<3 * (y * both.width + x) + 3])
    }
    // The pixel in row 1, column 2 covers a square of 4 x 4.
    #expect(at(8, 4) == [200, 200, 200] && at(11, 7) == [200, 200, 200])
    #expect(at(7, 4) == [10, 10, 10] && at(12, 7) == [10, 10, 10] && at(8, 8) == [10, 10, 10])
    let (top, bottom) = (ColourMap.table[255], ColourMap.table[0])
    #expect(at(232 + 8, 4) == [top.red, top.green, top.blue])
    #expect(at(232 + 12, 4) == [bottom.red, bottom.green, bottom.blue])
    // Over the image: what is odd has the map's colour, the rest is dimmed.
    #expect(at(116 + 8, 4) == [top.red, top.green, top.blue])
    #expect(at(116 + 12, 4) == [6, 6, 6])
  }

  /// At the image's own size, with a legend, and a line around what is above the threshold.
  @Test func outlinesWhatIsAboveTheThreshold() throws {
    let calibration = try Self.calibration(peaks: [Double](repeating: 2, count: 120))
    let scale = HeatScale.boxes(of: calibration)
    #expect(scale.threshold == 2 && scale.ends == 0...4)
    var values = [Float](repeating: 2, count: 200 * 120)
    for y in 30..<60 { for x in 50..<90 { values[y * 200 + x] = 2.1 } }
    let heat = HeatMap(PixelMap(height: 120, width: 200, values: values), scale: scale)
    let grey = Image(
      height: 120, width: 200, channels: 1, pixels: [UInt8](repeating: 100, count: 200 * 120))
    let picture = sideBySide(grey, heat, scale: scale)
    #expect(picture.width == 3 * 200 + 8 && picture.height == 120 + 30)
    var lines: [[Int]] = []
    for y in 0..<120 {
      let row = (0..<200).filter { x in
        let start = 3 * (y * picture.width + 204 + x)
        return picture.pixels[start..<start + 3].allSatisfy { $0 == 255 }
      }
      lines.append(row)
    }
    #expect(lines.indices.filter { !lines[$0].isEmpty } == Array(30..<60))
    #expect(lines[30] == Array(50..<90) && lines[59] == Array(50..<90) && lines[45] == [50, 89])
    // Without a scale there is no legend.
    #expect(sideBySide(grey, heat).height == 120)
  }

  /// Held-out images whose maps' peaks are these.
  private static func calibration(peaks: [Double]) throws -> ExpertsCalibration {
    let held = peaks.enumerated().map { place, peak in
      #"{"name":"\#(place)","surprisePeak":\#(peak),"entropyPeak":1,"fold":0,"place":\#(place)}"#
    }
    let json = """
      {"held":[\(held.joined(separator: ","))],"folds":[[]],"scales":[1],"explainedShare":1,
      "weights":""}
      """
    return try JSONDecoder().decode(ExpertsCalibration.self, from: Data(json.utf8))
  }

  @Test func coloursStayInOrder() {
    let image = Image(height: 1, width: 1, channels: 3, pixels: [250, 120, 30])
    let both = sideBySide(
      image, HeatMap(SurpriseMap(bits: [0], height: 1, width: 1), scale: scale))
    #expect(Array(both.pixels[0..<3]) == [250, 120, 30])
    #expect(both.width == 3 * 112 + 8)
  }

  @Test func noiseThatEveryImageHasIsDark() throws {
    // Normal images of noise on the left, which surprises by 6 bits more or less, and calm on the
    // right. With 8 bits as the top, all of the left would be glaring.
    let json = """
      {"columns": 2, "rows": 1, "mean": [6, 0.5], "deviation": [1.5, 0.25]}
      """
    let normal = try JSONDecoder().decode(NormalSurprise.self, from: Data(json.utf8))
    let scale = HeatScale.excess(over: normal)
    func steps(_ bits: [Float]) -> [UInt8] {
      HeatMap(SurpriseMap(bits: bits, height: 1, width: 4), scale: scale).steps
    }
    // As normal: a quarter of the way from −2 to 6 deviations, on either side.
    #expect(steps([6, 6, 0.5, 0.5]) == [64, 64, 64, 64])
    // Two bits more than normal are nothing on the left, and beyond the scale on the right.
    #expect(steps([8, 6, 2.5, 0.5]) == [106, 64, 255, 64])
    // Less surprising than normal is darker than normal.
    #expect(steps([0, 4.5, 0.5, 0.25])[..<2] == [0, 32])
  }
}

@Suite struct HeatMapNamesTests {
  @Test func isTheImagesOwnNameWhereThatCanBe() {
    let names = HeatMapNames(of: ["a.png", "deep/b.jpg"])
    #expect(names.file(for: "a.png") == "a.png.png")
    #expect(names.file(for: "deep/b.jpg") == "deep/b.jpg.png")
  }

  @Test func isAnotherWhereAFolderHasThatName() {
    let names = HeatMapNames(of: ["a.png", "a.png.png/b.png", "x/a", "x/a.png/y/z"])
    let maps = ["a.png", "a.png.png/b.png", "x/a", "x/a.png/y/z"].map(names.file)
    #expect(maps[1] == "a.png.png/b.png.png" && maps[3] == "x/a.png/y/z.png")
    #expect(maps[0].hasPrefix("a.png-") && maps[0].hasSuffix(".png"))
    #expect(maps[2].hasPrefix("x/a-"))
  }

  @Test func fitsInAFolderHoweverLongTheImagesName() {
    let long = [String](repeating: "é", count: 125).joined() + "1.png"
    let other = [String](repeating: "é", count: 125).joined() + "2.png"
    let names = HeatMapNames(of: ["in/\(long)", "in/\(other)"])
    let map = names.file(for: "in/\(long)")
    #expect(map.hasPrefix("in/é") && map.utf8.count < 3 + 240)
    #expect(map != names.file(for: "in/\(other)"))
  }
}
