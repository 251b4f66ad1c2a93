import CPU
import Detection
import Heads
import Images
import Models
import Randomness
import Tensors
import TestSupport
import Testing

@Suite struct LocalExpertTests {
  private func expert(_ modelCase: ModelCase, tile: Int) throws -> LocalExpert {
    let model = try modelCase.build(precision: .float32).model
    return LocalExpert(
      try #require(model as? LocalPixelCNN), .logLevels(modelCase.head.levels, low: 0, high: 255),
      in: Context(Engine(CPUBackend.shared, .float32)), tile: tile)
  }

  /// Of reaches 2, 8 and 10, grey and in colour.
  private static let cases =
    (ModelCase.families(
      .categorical(16), ImageShape(height: 8, width: 8, channels: 3)) + ModelCase.shipped)
    .filter {
      $0.name == "local-pixelcnn" && $0.head.kind == .categorical && $0.classes == nil
    }

  private func image(_ width: Int, _ height: Int, channels: Int = 1) -> Image {
    var random = RandomStream(seed: 2, "image", width, height)
    return Image(
      height: height, width: width, channels: channels,
      pixels: (0..<width * height * channels).map { _ in UInt8(random.integer(below: 256)) })
  }

  @Test("tiles say bit for bit what one pass says", arguments: cases, [5, 16, 33])
  func tiles(_ modelCase: ModelCase, tile: Int) throws {
    let image = image(41, 37, channels: modelCase.image.channels)
    let whole = try expert(modelCase, tile: 100).maps(of: image)
    let tiled = try expert(modelCase, tile: tile).maps(of: image)
    #expect(whole.surprise == tiled.surprise)
    #expect(whole.entropy == tiled.entropy)
    #expect(Set(whole.surprise.values).count > 100)
  }

  @Test("an image turned by 180° has the map turned by 180°")
  func turned() throws {
    let expert = try expert(try #require(Self.cases.last), tile: 16)
    let image = image(30, 21)
    var other = image
    other.pixels.reverse()
    let (maps, turned) = (expert.maps(of: image), expert.maps(of: other))
    #expect(maps.surprise.values == turned.surprise.values.reversed())
    #expect(maps.entropy.values == turned.entropy.values.reversed())
  }

  @Test("a patch that stands out is a region of its own pixels")
  func regions() {
    var values = [Float](repeating: 0.5, count: 60 * 50)
    for y in 20..<29 { for x in 30..<39 { values[y * 60 + x] = 4 } }
    // As loud, but at the border, where it is no news.
    for y in 0..<9 { for x in 0..<9 { values[y * 60 + x] = 4 } }
    let map = PixelMap(height: 50, width: 60, values: values)
    let evidence = LargeEvidence(
      LocalMaps(surprise: map, entropy: map), reach: 8, size: (120, 100), global: [])
    #expect(abs(evidence.surprisePeak - 4) < 1e-5)
    #expect(evidence.peak == (x: 69, y: 49))
    let regions = evidence.regions(above: 3.9)
    #expect(regions.count == 1)
    let region = regions[0]
    #expect((region.x, region.y, region.width, region.height) == (60, 40, 18, 18))
    #expect(region.area == 324 && region.peakX == 69 && region.peakY == 49)
    let shown = evidence.map(reach: 8)
    #expect(shown.width == 120 && shown.height == 100)
    #expect(shown.maximum.value > 3.9 && shown.values[0] < 4)
  }
}
