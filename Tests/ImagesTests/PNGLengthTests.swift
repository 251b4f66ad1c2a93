import Images
import Randomness
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

  @Test("the least length is that of a file which the encoder makes", arguments: [1, 3])
  func leastLength(channels: Int) {
    var random = RandomStream(seed: 4, "pictures", channels)
    // One pixel, one row, one column, and more than a chunk of compressed bytes.
    for (width, height) in [
      (1, 1), (1, 7), (9, 1), (28, 28), (5, 3), (26, 38), (31, 31), (33, 65), (150, 130),
    ] {
      for noise in [0, 2, 9, 256] {
        let pixels = (0..<width * height * channels).map { i in
          UInt8(truncatingIfNeeded: i / 3 + (noise > 0 ? random.integer(below: noise) : 0))
        }
        let image = Image(height: height, width: width, channels: channels, pixels: pixels)
        let (length, all) = (image.optimisedPNGByteCount, image.encodedPNGByteCounts)
        #expect(
          all.contains(length) && Double(length) <= 1.02 * Double(all.min()!),
          "\(width)x\(height), noise \(noise): \(length) of \(all)")
        let quick = image.promisingPNGByteCount
        #expect(
          all.contains(quick) && quick >= length && Double(quick) <= 1.15 * Double(all.min()!),
          "\(width)x\(height), noise \(noise): \(quick) of \(all)")
      }
    }
  }

  @Test("a file that is made quickly is the same picture, at a lower level of compression")
  func quickFile() throws {
    var random = RandomStream(seed: 5, "pictures", 0)
    let pixels = (0..<64 * 64).map { UInt8(truncatingIfNeeded: $0 / 7 + random.integer(below: 3)) }
    let image = Image(height: 64, width: 64, channels: 1, pixels: pixels)
    let (quick, smallest) = (image.encodedPNG(.quick), image.encodedPNG())
    #expect(quick != smallest)
    #expect(try Image.decode(quick, name: "quick") == image)
    #expect(try Image.decode(smallest, name: "smallest") == image)
  }
}
