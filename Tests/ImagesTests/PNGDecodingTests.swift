import Images
import Testing

/// What a sample of `depth` bits shows as in 8.
private func eightBit(_ value: Int, depth: Int) -> Double {
  (Double(value) * 255 / Double(1 << depth - 1)).rounded()
}

/// A sample over white, in its own depth.
private func onWhite(_ value: Int, opacity: Int, depth: Int) -> Int {
  let top = 1 << depth - 1
  return Int((Double(value * opacity + top * (top - opacity)) / Double(top)).rounded())
}

/// Differs between neighbours, channels and rows, and takes every value of a small depth.
private func pattern(_ x: Int, _ y: Int, _ channel: Int, depth: Int) -> Int {
  (x * 7919 + y * 104_729 + channel * 31 + x * y) % (1 << depth)
}

private func expectPixels(
  of file: PNGFile, channels: Int, sourceLocation: SourceLocation = #_sourceLocation,
  _ expected: (_ x: Int, _ y: Int) -> [Double]
) throws {
  let image = try Image.decode(file.bytes, name: "test.png")
  #expect(image.width == file.width && image.height == file.height, sourceLocation: sourceLocation)
  #expect(image.channels == channels, sourceLocation: sourceLocation)
  let pixels = (0..<file.height).flatMap { y in (0..<file.width).flatMap { x in expected(x, y) } }
  #expect(image.pixels.map(Double.init) == pixels, sourceLocation: sourceLocation)
}

@Suite struct PNGDecodingTests {
  @Test(arguments: [1, 2, 4, 8, 16], [false, true])
  func greyOfEveryDepth(depth: Int, isInterlaced: Bool) throws {
    let file = PNGFile(
      width: 11, height: 9, depth: depth, colour: .grey, isInterlaced: isInterlaced
    ) { x, y in [pattern(x, y, 0, depth: depth)] }
    try expectPixels(of: file, channels: 1) { x, y in
      [eightBit(pattern(x, y, 0, depth: depth), depth: depth)]
    }
  }

  @Test(arguments: [8, 16], [false, true])
  func colourOfEveryDepth(depth: Int, isInterlaced: Bool) throws {
    let file = PNGFile(
      width: 11, height: 9, depth: depth, colour: .rgb, isInterlaced: isInterlaced
    ) { x, y in (0..<3).map { pattern(x, y, $0, depth: depth) } }
    try expectPixels(of: file, channels: 3) { x, y in
      (0..<3).map { eightBit(pattern(x, y, $0, depth: depth), depth: depth) }
    }
  }

  @Test(arguments: [1, 2, 4, 8], [false, true])
  func paletteOfEveryDepthShowsWhiteWhereTransparent(depth: Int, isInterlaced: Bool) throws {
    let colours = (0..<1 << depth).map { [$0 * 5 % 256, 255 - $0, $0 * 3 % 251] }
    let opacities = [0, 100]  // of the first two entries; the others are opaque.
    let file = PNGFile(
      width: 11, height: 9, depth: depth, colour: .palette, isInterlaced: isInterlaced,
      beforeData: [
        PNGFile.chunk("PLTE", colours.joined().map { UInt8($0) }),
        PNGFile.chunk("tRNS", opacities.map { UInt8($0) }),
      ]
    ) { x, y in [pattern(x, y, 0, depth: depth)] }
    try expectPixels(of: file, channels: 3) { x, y in
      let index = pattern(x, y, 0, depth: depth)
      let opacity = index < opacities.count ? opacities[index] : 255
      return colours[index].map { Double(onWhite($0, opacity: opacity, depth: 8)) }
    }
  }

  @Test(arguments: [8, 16], [false, true])
  func alphaIsBlendedWithWhite(depth: Int, isInterlaced: Bool) throws {
    for (colour, channels) in [(PNGFile.Colour.greyAlpha, 1), (.rgbAlpha, 3)] {
      func alpha(_ x: Int, _ y: Int) -> Int {
        switch x {
        case 0: 0
        case 1: 1 << depth - 1
        default: pattern(x, y, 5, depth: depth)
        }
      }
      let file = PNGFile(
        width: 11, height: 9, depth: depth, colour: colour, isInterlaced: isInterlaced
      ) { x, y in (0..<channels).map { pattern(x, y, $0, depth: depth) } + [alpha(x, y)] }
      try expectPixels(of: file, channels: channels) { x, y in
        (0..<channels).map {
          let value = pattern(x, y, $0, depth: depth)
          return eightBit(onWhite(value, opacity: alpha(x, y), depth: depth), depth: depth)
        }
      }
    }
  }

  /// In 16 bits all of a sample must match: keys that agree in the high byte alone stay opaque.
  @Test(arguments: [1, 2, 4, 8, 16]) func colourKeyShowsWhite(depth: Int) throws {
    for (colour, channels) in [(PNGFile.Colour.grey, 1), (.rgb, 3)]
    where channels == 1 || depth >= 8 {
      let key = (0..<channels).map { pattern(3, 4, $0, depth: depth) }
      func samples(_ x: Int, _ y: Int) -> [Int] {
        (x, y) == (5, 5)
          ? [key[0] ^ 1] + key.dropFirst()
          : (0..<channels).map {
            pattern(x, y, $0, depth: depth)
          }
      }
      let file = PNGFile(
        width: 11, height: 9, depth: depth, colour: colour,
        beforeData: [PNGFile.chunk("tRNS", key.flatMap { bigEndian($0).suffix(2) })],
        samples: samples)
      try expectPixels(of: file, channels: channels) { x, y in
        samples(x, y) == key
          ? key.map { _ in 255 } : samples(x, y).map { eightBit($0, depth: depth) }
      }
    }
  }

  @Test func gammaAndTextLeaveValuesAsStored() throws {
    let file = PNGFile(
      width: 4, height: 4, depth: 8, colour: .grey,
      beforeData: [
        PNGFile.chunk("gAMA", bigEndian(22_222)), PNGFile.chunk("tEXt", Array("a".utf8) + [0]),
      ]
    ) { x, y in [16 * (4 * y + x)] }
    try expectPixels(of: file, channels: 1) { x, y in [Double(16 * (4 * y + x))] }
  }

  @Test(arguments: [false, true]) func exifTurnsTheImage(isAfterData: Bool) throws {
    let exif = PNGFile.chunk("eXIf", exifBlock(orientation: 6, isLittleEndian: false))
    var file = PNGFile(width: 3, height: 2, depth: 8, colour: .grey) { x, y in [10 * y + x] }
    if isAfterData { file.afterData = [exif] } else { file.beforeData = [exif] }
    let image = try Image.decode(file.bytes, name: "test.png")
    #expect(image == Image(height: 3, width: 2, channels: 1, pixels: [10, 0, 11, 1, 12, 2]))
  }

  // MARK: Faults

  private func message(_ bytes: [UInt8]) -> String? {
    do throws {
      _ = try Image.decode(bytes, name: "test.png")
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func paletteIndexWithoutEntryIsRefused() {
    let file = PNGFile(
      width: 2, height: 1, depth: 8, colour: .palette,
      beforeData: [PNGFile.chunk("PLTE", [1, 2, 3, 4, 5, 6])]
    ) { x, _ in [x * 2] }
    #expect(
      message(file.bytes)
        == "test.png: expected a whole PNG image, found a palette index without an entry")
  }

  /// Rows that are stored without compression end four bytes before the IDAT chunk's checksum.
  @Test func dataAfterTheLastRowAreAMereFlaw() throws {
    let file = PNGFile(width: 4, height: 3, depth: 8, colour: .grey) { x, y in [60 * y + x] }
    let tall = PNGFile(width: 4, height: 5, depth: 8, colour: .grey) { x, y in [60 * y % 256 + x] }
    let whole = try Image.decode(file.bytes, name: "whole")
    let start = 33  // the signature and IHDR
    let length = file.bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    let rows = Array(file.bytes[start + 8..<start + 8 + length])
    let end = Array(file.bytes[(start + 12 + length)...])
    let before = Array(file.bytes[..<start])
    let longer = PNGFile.chunk("IDAT", rows + [0, 0, 0])
    let more =
      PNGFile.chunk("IDAT", rows) + PNGFile.chunk("IDAT", [UInt8](repeating: 7, count: 300))
    // A chunk too much is not even a flaw to libpng.
    let padded: [(bytes: [UInt8], flaws: [String])] = [
      (before + longer + end, ["data after that of the last row"]),
      (before + tall.bytes[start...], ["data after that of the last row"]),
      (before + more + end, []),
    ]
    for (bytes, expected) in padded {
      var flaws: [String] = []
      let image = try Image.decode(bytes, name: "padded", noteFlaw: { flaws.append($0) })
      #expect(image == whole)
      #expect(flaws == expected)
    }
  }

  @Test func unknownCriticalChunkIsRefused() {
    let file = PNGFile(
      width: 2, height: 1, depth: 8, colour: .grey, beforeData: [PNGFile.chunk("CgBI", [0])]
    ) { _, _ in [0] }
    #expect(message(file.bytes)?.contains("found CgBI: an unknown chunk") == true)
  }

  @Test func missingRowsAreRefused() {
    var short = PNGFile(width: 2, height: 1, depth: 8, colour: .grey) { _, _ in [0] }.bytes
    let tall = PNGFile(width: 2, height: 2, depth: 8, colour: .grey) { _, _ in [0] }.bytes
    short.replaceSubrange(0..<33, with: tall[0..<33])  // the signature and IHDR
    #expect(message(short) != nil)
  }

  private let small = PNGFile(
    width: 5, height: 3, depth: 4, colour: .palette, isInterlaced: true,
    beforeData: [
      PNGFile.chunk("PLTE", (0..<48).map { $0 }), PNGFile.chunk("tRNS", [0, 128]),
      PNGFile.chunk("tEXt", Array("Title".utf8) + [0]),
    ]
  ) { x, y in [x + y] }

  @Test func everyTruncationIsRefused() throws {
    let bytes = small.bytes
    #expect(message(bytes) == nil)
    for count in 0..<bytes.count { #expect(message(Array(bytes[..<count])) != nil, "\(count)") }
  }

  /// Every bit of a PNG file is under a checksum, or is the signature or a checksum itself.
  @Test func everyFlippedBitIsRefused() {
    let bytes = small.bytes
    for bit in 0..<8 * bytes.count {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << (bit % 8)
      #expect(message(flipped) != nil, "bit \(bit)")
    }
  }
}
