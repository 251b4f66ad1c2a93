import Files
import Images
import Randomness
import TestSupport
import Testing

private typealias RGB = [Int]

/// The fixtures are 16x8 with a flat colour a quadrant: top left, top right, bottom left, bottom
/// right.
private let quadrants: [RGB] = [[200, 40, 40], [40, 200, 40], [40, 40, 200], [240, 240, 240]]

private func fixture(_ name: String) throws -> [UInt8] {
  try bytes(of: fixturePath(name))
}

/// The colours in the middle of the quadrants.
private func colours(of image: Image) -> [RGB] {
  [(1, 1), (3, 1), (1, 3), (3, 3)].map { x, y in
    let pixel = (y * image.height / 4 * image.width + x * image.width / 4) * image.channels
    return image.pixels[pixel..<pixel + image.channels].map { Int($0) }
  }
}

private func isNear(_ a: [RGB], _ b: [RGB], within tolerance: Int = 4) -> Bool {
  let (a, b) = (a.flatMap(\.self), b.flatMap(\.self))
  return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

/// A marker with its data, as it stands in a file.
private func segment(_ code: UInt8, _ data: [UInt8]) -> [UInt8] {
  [0xff, code] + bigEndian(data.count + 2).suffix(2) + data
}

/// `bytes` with a segment directly after the start marker.
private func inserting(_ segments: [UInt8], in bytes: [UInt8]) -> [UInt8] {
  bytes.prefix(2) + segments + bytes.dropFirst(2)
}

/// Where the markers of one code stand.
private func positions(of code: UInt8, in bytes: [UInt8]) -> [Int] {
  bytes.indices.dropLast().filter { bytes[$0] == 0xff && bytes[$0 + 1] == code }
}

private func message(_ bytes: [UInt8]) -> String? {
  do throws {
    _ = try Image.decode(bytes, name: "test.jpg")
    return nil
  } catch {
    return "\(error)"
  }
}

@Suite struct JPEGDecodingTests {
  @Test(arguments: ["baseline", "progressive", "arithmetic", "rgb", "subsampled", "scans"])
  func colour(form: String) throws {
    let image = try Image.decode(fixture("\(form).jpg"), name: form)
    #expect((image.width, image.height, image.channels) == (16, 8, 3))
    // At the borders of quadrants, subsampled colours run into each other.
    if form == "subsampled" {
      let corners = [0, 15, 7 * 16, 7 * 16 + 15].map {
        image.pixels[3 * $0..<3 * $0 + 3].map { Int($0) }
      }
      #expect(isNear(corners, quadrants, within: 8), "\(corners)")
    } else {
      #expect(isNear(colours(of: image), quadrants), "\(colours(of: image))")
    }
  }

  @Test func grey() throws {
    let image = try Image.decode(fixture("grey.jpg"), name: "grey")
    #expect((image.width, image.height, image.channels) == (16, 8, 1))
    #expect(isNear(colours(of: image), [[20], [90], [160], [230]]))
  }

  /// Stored light of C, M, Y and K a quadrant.
  private let light: [[Int]] = [
    [200, 40, 40, 255], [40, 200, 40, 255], [40, 40, 200, 128], [255, 255, 255, 230],
  ]

  @Test(arguments: ["cmyk", "ycck"]) func inksOfAdobeAreStoredAsLight(form: String) throws {
    let image = try Image.decode(fixture("\(form).jpg"), name: form)
    let expected = light.map { light in light.prefix(3).map { $0 * light[3] / 255 } }
    #expect(image.channels == 3)
    #expect(isNear(colours(of: image), expected), "\(colours(of: image))")
  }

  @Test func inksWithoutAdobeMarkerAreStoredAsInk() throws {
    var bytes = try fixture("cmyk.jpg")
    let adobe = try #require(positions(of: 0xee, in: bytes).first)
    bytes.removeSubrange(adobe..<adobe + 16)
    let expected = light.map { ink in ink.prefix(3).map { (255 - $0) * (255 - ink[3]) / 255 } }
    let image = try Image.decode(bytes, name: "cmyk")
    #expect(isNear(colours(of: image), expected), "\(colours(of: image))")
  }

  // MARK: Orientation

  /// The stored quadrant that shows in each quadrant.
  private static let shown: [(orientation: Int, quadrants: [Int])] = [
    (1, [0, 1, 2, 3]), (2, [1, 0, 3, 2]), (3, [3, 2, 1, 0]), (4, [2, 3, 0, 1]),
    (5, [0, 2, 1, 3]), (6, [2, 0, 3, 1]), (7, [3, 1, 2, 0]), (8, [1, 3, 0, 2]),
  ]

  @Test(arguments: shown.indices, [false, true])
  func exifOrientation(index: Int, isLittleEndian: Bool) throws {
    let (orientation, shown) = Self.shown[index]
    let exif = exifBlock(orientation: orientation, isLittleEndian: isLittleEndian)
    let xmp = segment(0xe1, Array("http://ns.adobe.com/xap/1.0/".utf8) + [0])
    let bytes = try inserting(
      xmp + segment(0xe1, Array("Exif".utf8) + [0, 0] + exif), in: fixture("baseline.jpg"))
    let image = try Image.decode(bytes, name: "turned")
    #expect((image.width, image.height) == (orientation < 5 ? (16, 8) : (8, 16)))
    #expect(isNear(colours(of: image), shown.map { quadrants[$0] }), "\(colours(of: image))")
  }

  @Test func exifThatAsksForNothingSensibleLeavesTheImageAlone() throws {
    let exif = exifBlock(orientation: 6, isLittleEndian: true)
    var blocks = (0..<exif.count - 4).map { Array(exif[..<$0]) }.filter { $0.count < 22 }
    blocks.append(exifBlock(orientation: 0, isLittleEndian: true))
    blocks.append(exifBlock(orientation: 9, isLittleEndian: false))
    blocks.append(Array(exif[..<4]) + [255, 255, 255, 255] + exif[8...])  // far outside
    blocks.append(Array(exif[..<8]) + [255, 255] + [UInt8](repeating: 0, count: 24))  // no end
    let plain = try Image.decode(fixture("baseline.jpg"), name: "plain")
    for block in blocks {
      let bytes = try inserting(
        segment(0xe1, Array("Exif".utf8) + [0, 0] + block), in: fixture("baseline.jpg"))
      #expect(try Image.decode(bytes, name: "turned") == plain, "\(block)")
    }
  }

  // MARK: Faults

  @Test(arguments: ["baseline", "progressive", "arithmetic", "grey", "cmyk"])
  func everyTruncationIsRefused(form: String) throws {
    let bytes = try fixture("\(form).jpg")
    #expect(message(bytes) == nil)
    for count in 0..<bytes.count { #expect(message(Array(bytes[..<count])) != nil, "\(count)") }
  }

  @Test func cutDataWithAnEndMarkerIsRefused() throws {
    let bytes = try fixture("baseline.jpg")
    #expect(message(bytes.dropLast(12) + [0xff, 0xd9])?.contains("premature end") == true)
  }

  @Test(arguments: ["baseline", "progressive", "arithmetic", "subsampled", "scans", "ycck"])
  func flippedBitsDecodeOrThrow(form: String) throws {
    let bytes = try fixture("\(form).jpg")
    // A flip may enlarge the picture: the limit keeps the test short.
    let limits = DecodingLimits(maximumPixels: 1 << 18)
    var refused = 0
    for trial in 0..<1000 {
      var stream = RandomStream(seed: 1, "flipped bits of \(form)", trial)
      var flipped = bytes
      for _ in 0...stream.integer(below: 3) {
        flipped[stream.integer(below: bytes.count)] ^= 1 << stream.integer(below: 8)
      }
      do throws {
        let image = try Image.decode(flipped, name: form, limits: limits)
        #expect(image.pixels.count == image.width * image.height * image.channels)
      } catch {
        #expect(error is FileError)
        refused += 1
      }
    }
    #expect(refused > 100 && refused < 1000)
  }

  @Test func componentWithoutDataIsRefused() throws {
    let bytes = try fixture("scans.jpg")
    let scans = positions(of: 0xda, in: bytes)
    try #require(scans.count == 3)
    #expect(message(bytes[..<scans[2]] + [0xff, 0xd9])?.contains("without data") == true)
  }

  @Test(arguments: ["baseline", "progressive", "grey", "cmyk"])
  func bytesThatBelongToNothingAreAMereFlaw(form: String) throws {
    let bytes = try fixture("\(form).jpg")
    let whole = try Image.decode(bytes, name: form)
    // Before the first table, and before the end marker, where libjpeg takes a few for the scan's own.
    let table = try #require(positions(of: 0xdb, in: bytes).first)
    for (place, lengths) in [(table, [1, 3, 5000]), (bytes.count - 2, [5000])] {
      for filling in lengths.map({ [UInt8](repeating: 0, count: $0) }) {
        var flaws: [String] = []
        let image = try Image.decode(
          bytes[..<place] + filling + bytes[place...], name: form, noteFlaw: { flaws.append($0) })
        #expect(image == whole)
        #expect(flaws.count == 1 && flaws[0].contains("extraneous"), "\(flaws)")
      }
    }
    _ = try Image.decode(bytes, name: form, noteFlaw: { Issue.record("\($0)") })
  }

  @Test func anInterruptedProgressiveImageIsShownAsFarAsItGoes() throws {
    let bytes = try fixture("progressive.jpg")
    let scans = positions(of: 0xda, in: bytes)
    try #require(scans.count > 3)
    for scan in scans.dropFirst() {
      var flaws: [String] = []
      let image = try Image.decode(
        bytes[..<scan] + [0xff, 0xd9], name: "cut", noteFlaw: { flaws.append($0) })
      #expect((image.width, image.height, image.channels) == (16, 8, 3))
      // But for its last bit it is all there.
      if scan == scans.last { #expect(isNear(colours(of: image), quadrants, within: 20)) }
      #expect(flaws == ["the end of a progressive image before its last scan"])
    }
    #expect(message(bytes[..<scans[0]] + [0xff, 0xd9]) != nil)
  }

  @Test func endlessScansAreRefused() throws {
    let bytes = try fixture("scans.jpg")
    let scan = try #require(positions(of: 0xda, in: bytes).last)
    func repeated(_ count: Int) -> [UInt8] {
      bytes[..<scan] + (0..<count).flatMap { _ in bytes[scan..<bytes.count - 2] } + [0xff, 0xd9]
    }
    #expect(message(repeated(90)) == nil)
    #expect(message(repeated(110))?.contains("more than 100 scans") == true)
  }

  @Test func whatDoesNotTouchThePictureIsAccepted() throws {
    let bytes = try fixture("baseline.jpg")
    #expect(message(bytes + Array("data after the end".utf8)) == nil)
    var newer = bytes
    newer[11] = 2  // the major revision of JFIF
    #expect(message(newer) == nil)
  }
}
