import Files
import Images
import TestSupport
import Testing

@Suite struct ImageSourceTests {
  let folder = TemporaryFolder()

  private func image(_ shade: UInt8) -> Image {
    Image(height: 2, width: 3, channels: 1, pixels: [UInt8](repeating: shade, count: 6))
  }

  @Test("shards of any number are the whole, in its order, within one of each other")
  func shards() throws {
    for (total, count) in [(10, 3), (1, 4), (64, 64), (100, 7), (0, 2)] {
      let ranges = (1...count).map { Shard($0, of: count).range(of: total) }
      #expect(ranges.flatMap { Array($0) } == Array(0..<total))
      #expect(ranges.map(\.count).max()! - ranges.map(\.count).min()! <= 1)
    }
    for name in ["b", "a", "c", "e", "d"] {
      try image(UInt8(name.utf8.first!)).writePNG(to: folder.file("\(name).png"))
    }
    folder.write([1], to: "text.txt")
    let whole = try ImageSource(folder.path)
    let parts = (1...2).map { whole.part(Shard($0, of: 2)) }
    #expect(parts.map(\.names) == [["a.png", "b.png"], ["c.png", "d.png", "e.png"]])
    #expect(parts.map(\.skipped.count) == [1, 0])
    #expect(parts.allSatisfy { $0.listing == whole.listing && $0.total == 5 })
    #expect(try parts[1].image(at: 0) == image(UInt8(ascii: "c")))
    try image(0).writePNG(to: folder.file("f.png"))
    #expect(try ImageSource(folder.path).listing != whole.listing)
  }

  @Test func filesOfAList() throws {
    for (name, shade) in [("z", 1), ("y", 2)] {
      try image(UInt8(shade)).writePNG(to: folder.file("\(name).png"))
    }
    let files = ["z", "y", "z"].map { folder.file("\($0).png") }
    let source = try ImageSource(files: files, named: "list")
    #expect(source.names == [files[1], files[0]])
    #expect(try source.image(at: 1) == image(1))
    #expect(throws: FileError.self) { try ImageSource(files: [], named: "list") }
  }

  @Test func imagesAreBroughtToOneShape() throws {
    try image(200).writePNG(to: folder.file("a.png"))
    folder.write([1, 2, 3], to: "b.png")
    try Image(height: 5, width: 5, channels: 3, pixels: [UInt8](repeating: 9, count: 75))
      .writePNG(to: folder.file("c.png"))
    let source = try ImageSource(folder.path)
    let loaded = source.load(0..<3, height: 2, width: 2, channels: 1)
    #expect(loaded.images.names == ["a.png", "c.png"])
    #expect(loaded.images.pixels == [200, 200, 200, 200, 9, 9, 9, 9])
    #expect(loaded.origins.map(\.index) == [0, 2] && loaded.failures.map(\.index) == [1])
  }

  @Test func partsOfAFileOfImages() throws {
    let data = DataSet(
      height: 2, width: 3, channels: 1, pixels: (0..<30).map { UInt8($0) },
      names: (0..<5).map { "f#\($0)" })
    let part = ImageSource(data, at: "f").part(Shard(2, of: 2))
    #expect(part.names == ["f#2", "f#3", "f#4"])
    #expect(try part.image(at: 0).pixels == (12..<18).map { UInt8($0) })
    #expect(part.place == .file("f"))
  }
}
