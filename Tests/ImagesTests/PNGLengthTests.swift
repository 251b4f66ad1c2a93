import Images
import Testing

@Suite struct PNGLength {
  @Test("the mean length is that of the files, in bits a sub-pixel")
  func meanLength() {
    let data = DataSet(
      height: 4, width: 5, channels: 3, pixels: (0..<120).map { UInt8($0 * 2) },
      names: ["a", "b"])
    let bytes = data.image(at: 0).optimisedPNGByteCount + data.image(at: 1).optimisedPNGByteCount
    // Signature, header, data and end: a PNG file has at least 57 bytes.
    #expect(bytes > 2 * 57)
    #expect(data.optimisedPNGBitsPerDimension == 8 * Double(bytes) / 120)
  }
}
