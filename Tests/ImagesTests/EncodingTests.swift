import Images
import Randomness
import TestSupport
import Testing

private func noise(width: Int, height: Int, channels: Int, levels: Int = 256) -> Image {
  var stream = RandomStream(seed: 1, "noise", width, height, channels)
  return Image(
    height: height, width: width, channels: channels,
    pixels: (0..<width * height * channels).map { _ in
      UInt8(stream.integer(below: levels) * 255 / (levels - 1))
    })
}

@Suite struct EncodingTests {
  @Test(arguments: [(1, 1), (13, 7), (1, 40), (40, 1), (64, 48)], [1, 3])
  func decodingGivesBackWhatWasEncoded(size: (width: Int, height: Int), channels: Int) throws {
    let image = noise(width: size.width, height: size.height, channels: channels)
    #expect(try Image.decode(image.encodedPNG(), name: "round trip") == image)
  }

  @Test func compressionIsAtItsHighestLevel() throws {
    let bytes = noise(width: 8, height: 8, channels: 1).encodedPNG()
    let data = try #require(
      bytes.indices.dropLast(5).first { bytes[$0..<$0 + 4].elementsEqual("IDAT".utf8) })
    #expect(bytes[data + 5] >> 6 == 3)  // FLEVEL (RFC 1950): maximum compression
  }

  @Test func optimisedSizeIsTheSmallestOfAllFilters() {
    // Differences of noise of two levels are noise of three: only no filter at all is best.
    let twoLevels = noise(width: 64, height: 64, channels: 1, levels: 2)
    #expect(twoLevels.optimisedPNGByteCount < twoLevels.encodedPNG().count)
    let ramp = Image(
      height: 64, width: 64, channels: 1, pixels: (0..<4096).map { UInt8($0 / 64 + $0 % 64) })
    #expect(ramp.optimisedPNGByteCount <= ramp.encodedPNG().count)
    #expect(ramp.optimisedPNGByteCount < twoLevels.optimisedPNGByteCount)
  }

  @Test func writingMakesTheFileOrSaysWhyNot() throws {
    let folder = TemporaryFolder()
    let image = noise(width: 9, height: 5, channels: 3)
    try image.writePNG(to: folder.file("a.png"))
    #expect(try bytes(of: folder.file("a.png")) == image.encodedPNG())
    let missing = folder.file("missing/a.png")
    expectError(at: missing, "cannot write: No such file or directory") {
      try image.writePNG(to: missing)
    }
    #expect(try folder.names() == ["a.png"])
  }
}
