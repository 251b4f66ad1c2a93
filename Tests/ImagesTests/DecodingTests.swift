import Files
import Glibc
import Images
import TestSupport
import Testing

/// EXIF (a TIFF header and one directory) that holds an orientation behind another entry.
func exifBlock(orientation: Int, isLittleEndian: Bool) -> [UInt8] {
  func number(_ value: Int, bytes: Int) -> [UInt8] {
    let big = bigEndian(value).suffix(bytes)
    return isLittleEndian ? big.reversed() : Array(big)
  }
  func entry(_ tag: Int, _ value: Int) -> [UInt8] {
    number(tag, bytes: 2) + number(3, bytes: 2) + number(1, bytes: 4) + number(value, bytes: 2)
      + [0, 0]
  }
  return Array((isLittleEndian ? "II" : "MM").utf8) + number(42, bytes: 2) + number(8, bytes: 4)
    + number(2, bytes: 2) + entry(0x0100, 640) + entry(0x0112, orientation) + number(0, bytes: 4)
}

func fixturePath(_ name: String, testFile: String = #filePath) -> String {
  testFile.prefix(through: testFile.lastIndex(of: "/")!) + "Fixtures/" + name
}

@Suite struct DecodingTests {
  private let folder = TemporaryFolder()
  private let tiny = Image(height: 1, width: 2, channels: 1, pixels: [3, 250])

  private func message(_ body: () throws -> Image) -> String? {
    do throws {
      _ = try body()
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func theFirstBytesDecideTheFormat() throws {
    let path = folder.write(tiny.encodedPNG(), to: "misnamed.jpg")
    #expect(try Image.decode(contentsOf: path) == tiny)
  }

  @Test func whatIsNoImageFileIsRefusedInOneLine() throws {
    func expectRefusal(_ path: String, _ problem: String) {
      #expect(throws: FileError(path, problem: problem)) { try Image.decode(contentsOf: path) }
    }
    expectRefusal(folder.file("missing.png"), "cannot open: No such file or directory")
    expectRefusal(folder.path, "expected a regular file, found a folder")
    let pipe = folder.file("pipe.png")
    try #require(mkfifo(pipe, 0o600) == 0)
    expectRefusal(pipe, "expected a regular file, found a pipe or device")
    for (name, content) in [("empty.png", ""), ("short\n.png", "GIF"), ("text.jpg", "some text")] {
      expectRefusal(
        folder.write(content.utf8, to: name),
        "expected a PNG or JPEG image, found neither by its first bytes")
    }
  }

  @Test func aFileLargerThanTheLimitIsNotRead() throws {
    let bytes = tiny.encodedPNG()
    let path = folder.write(bytes, to: "a.png")
    let fits = DecodingLimits(maximumFileBytes: bytes.count)
    #expect(try Image.decode(contentsOf: path, limits: fits) == tiny)
    let tight = DecodingLimits(maximumFileBytes: bytes.count - 1)
    expectError(at: path, "expected an image file of at most \(bytes.count - 1) bytes") {
      _ = try Image.decode(contentsOf: path, limits: tight)
    }
  }

  @Test func limitsAreInclusive() throws {
    let bytes = Image(
      height: 4, width: 6, channels: 1, pixels: [UInt8](repeating: 9, count: 24)
    ).encodedPNG()
    func isRefused(_ limits: DecodingLimits) -> Bool {
      message { try Image.decode(bytes, name: "a.png", limits: limits) } != nil
    }
    #expect(!isRefused(DecodingLimits(maximumSide: 6, maximumPixels: 24)))
    #expect(isRefused(DecodingLimits(maximumSide: 5, maximumPixels: 24)))
    #expect(isRefused(DecodingLimits(maximumSide: 6, maximumPixels: 23)))
  }

  @Test func absurdDimensionsAreRefusedBeforeMemoryIsTaken() throws {
    var bombs: [(String, [UInt8])] = []
    for (width, height) in [(65535, 65535), (Int(Int32.max), Int(Int32.max)), (30000, 30000)] {
      var bytes = PNGFile(width: 1, height: 1, depth: 8, colour: .rgb) { _, _ in [0, 0, 0] }.bytes
      let header = bigEndian(width) + bigEndian(height) + [8, 2, 0, 0, 0]
      bytes.replaceSubrange(8..<33, with: PNGFile.chunk("IHDR", header))
      bombs.append(("\(width)x\(height)", bytes))
    }
    var jpeg = try bytes(of: fixturePath("progressive.jpg"))
    let frame = try #require(
      jpeg.indices.dropLast().first { jpeg[$0] == 0xff && jpeg[$0 + 1] == 0xc2 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xff, 0xdc, 0xff, 0xdc])
    bombs.append(("65500x65500", jpeg))

    for (size, bytes) in bombs {
      #expect(
        message { try Image.decode(bytes, name: "bomb") }
          == "bomb: expected at most 32768 pixels a side and 67108864 in all, found \(size)")
    }
  }
}
