import Files
import Images
import TestSupport
import Testing

@Suite struct CropsTests {
  let folder = TemporaryFolder()

  /// Images of several sizes, each pixel of another shade than its neighbours.
  private func images() throws -> ScaledImages {
    for (index, size) in [(20, 16), (31, 9), (12, 40)].enumerated() {
      let (w, h) = size
      try Image(
        height: h, width: w, channels: 1,
        pixels: (0..<w * h).map { UInt8(($0 * 7 + index * 50) % 256) }
      ).writePNG(to: folder.file("\(index).png"))
    }
    return try #require(try ScaledImages.load(ImageSource(folder.path), scale: 1))
  }

  @Test("a crop depends on seed, epoch and index alone")
  func keyed() throws {
    let crops = Crops(of: try images(), width: 8, height: 7, flips: true, atLeast: 50)
    #expect(crops.count == 50)
    let all = crops.dataSet(0..<50, epoch: 3, seed: 9)
    #expect(crops.dataSet([17], epoch: 3, seed: 9).pixels == all[[17]].pixels)
    #expect(crops.dataSet(0..<50, epoch: 4, seed: 9).pixels != all.pixels)
    #expect(crops.dataSet(0..<50, epoch: 3, seed: 8).pixels != all.pixels)
    #expect(all.width == 8 && all.height == 7)
  }

  @Test("a crop is a part of its image, all four ways round, and unturned without flips")
  func parts() throws {
    let images = try images()
    func place(_ crop: Image, in image: Image) -> [Int] {
      var found: [Int] = []
      for top in 0...image.height - crop.height {
        for left in 0...image.width - crop.width {
          func at(_ x: Int, _ y: Int) -> UInt8 { image.pixels[(top + y) * image.width + left + x] }
          let turns = (0..<4).filter { turn in
            (0..<crop.height).allSatisfy { y in
              (0..<crop.width).allSatisfy { x in
                crop.pixels[y * crop.width + x]
                  == at(
                    turn & 1 == 0 ? x : crop.width - 1 - x,
                    turn & 2 == 0 ? y : crop.height - 1 - y)
              }
            }
          }
          found += turns
        }
      }
      return found
    }
    for flips in [true, false] {
      let crops = Crops(of: images, width: 6, height: 6, flips: flips, atLeast: 60)
      let all = crops.dataSet(0..<60, epoch: 0, seed: 0)
      let turns = (0..<60).map { place(all.image(at: $0), in: images.images[$0 % 3]) }
      #expect(turns.allSatisfy { !$0.isEmpty })
      #expect(Set(turns.flatMap { $0 }).isSuperset(of: flips ? [0, 1, 2, 3] : [0]))
      #expect(flips || turns.allSatisfy { $0.contains(0) })
    }
  }

  @Test("a grid has every whole crop once")
  func grid() throws {
    let grid = Crops.grid(of: try images(), width: 8, height: 8)
    #expect(grid.count == 2 * 2 + 3 * 1 + 1 * 5)
    #expect(grid.names.first == "0.png#0,0" && grid.names.last == "2.png#0,32")
  }

  @Test("levels of the logarithm rise with intensity and read back as text")
  func logLevels() throws {
    var counts = [Int](repeating: 0, count: 256)
    for v in 10...200 { counts[v] = 1000 }
    counts[255] = 1
    let pixels = PixelEncoding.logLevels(16, spanning: counts)
    #expect(pixels == .logLevels(16, low: 10, high: 200))
    #expect(PixelEncoding(rawValue: pixels.rawValue) == pixels)
    for text in ["log-16-10", "log-1-0-255", "log-16-9-9", "log-16--1-3", "log-16-0-256", "log-"] {
      #expect(PixelEncoding(rawValue: text) == nil, "\(text)")
    }
    let data = DataSet(
      height: 1, width: 256, channels: 1, pixels: (0...255).map { UInt8($0) }, names: ["a"])
    let batch = pixels.batch(of: data, indices: [0], seed: 0)
    #expect(batch.symbols == batch.symbols.sorted() && Set(batch.symbols).count == 16)
    #expect(batch.symbols[10] == 0 && batch.symbols[200] == 15 && batch.levels == 16)
    // What is shown of a level is an intensity of that level.
    let shown = pixels.image(from: batch, at: 0)
    let again = pixels.batch(
      of: DataSet(height: 1, width: 256, channels: 1, pixels: shown.pixels, names: ["a"]),
      indices: [0], seed: 0)
    #expect(again.symbols == batch.symbols)
  }

  @Test("a file that is no image is passed over, or an error where asked for")
  func unreadable() throws {
    _ = try images()
    folder.write(Array("no image".utf8), to: "broken.png")
    let source = try ImageSource(folder.path)
    let loaded = try #require(try ScaledImages.load(source, scale: 0.5))
    #expect(loaded.count == 3 && loaded.skipped.map(\.path) == ["broken.png"])
    #expect(loaded.images.map(\.width) == [10, 16, 6])
    #expect(throws: FileError.self) { try ScaledImages.load(source, scale: 1, strict: true) }
  }
}
