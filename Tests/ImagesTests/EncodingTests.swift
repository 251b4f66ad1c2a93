import Glibc
import Images
import Randomness
import Testing

private func noise(width: Int, height: Int, channels: Int, levels: Int = 256) -> Image {
  var stream = RandomStream(seed: 1, "noise", width, height, channels)
  return Image(
    width: width, height: height, channels: channels,
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
      width: 64, height: 64, channels: 1, pixels: (0..<4096).map { UInt8($0 / 64 + $0 % 64) })
    #expect(ramp.optimisedPNGByteCount <= ramp.encodedPNG().count)
    #expect(ramp.optimisedPNGByteCount < twoLevels.optimisedPNGByteCount)
  }

  @Test func writingReplacesTheFileAndLeavesNoOther() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(String(repeating: "n", count: 251)).png"  // as long as a name may be
      let image = noise(width: 9, height: 5, channels: 3)
      try write([1, 2, 3], to: path)
      try image.writePNG(to: path)
      #expect(try bytes(ofFile: path) == image.encodedPNG())
      #expect(names(in: folder).count == 1)
    }
  }

  @Test func aFailureIsOneLineAndLeavesEverythingAsItWas() throws {
    try withTemporaryFolder { folder in
      let image = noise(width: 9, height: 5, channels: 3)
      #expect(
        throws: ImageError(
          path: "\(folder)/missing/a.png", expected: "a place to write a PNG image",
          found: "No such file or directory")
      ) { try image.writePNG(to: "\(folder)/missing/a.png") }

      let taken = "\(folder)/taken.png"
      try #require(mkdir(taken, 0o700) == 0)
      defer { rmdir(taken) }
      #expect(
        throws: ImageError(
          path: taken, expected: "a place to write a PNG image", found: "Is a directory")
      ) { try image.writePNG(to: taken) }
      #expect(names(in: folder) == ["taken.png"])
    }
  }
}
