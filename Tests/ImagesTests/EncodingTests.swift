import Images
import Testing

@Suite struct EncodingTests {
  @Test(arguments: [1, 3]) func decodingGivesBackWhatWasEncoded(channels: Int) throws {
    let (width, height) = (13, 7)
    let image = Image(
      width: width, height: height, channels: channels,
      pixels: (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * 37) })
    #expect(try Image.decode(image.encodedPNG(), name: "round trip") == image)
  }
}
