import Images
import Reports
import Testing

@Suite struct ContactSheetTests {
  func flat(_ intensity: UInt8, side: Int = 28) -> Image {
    Image(
      height: side, width: side, channels: 1,
      pixels: [UInt8](repeating: intensity, count: side * side))
  }

  func colour(_ image: Image, _ x: Int, _ y: Int) -> [UInt8] {
    let start = (y * image.width + x) * image.channels
    return Array(image.pixels[start..<start + image.channels])
  }

  @Test func laysTilesOutInOrderWithFramesAroundTheFlagged() {
    let sheet = ContactSheet(tiles: [
      .init(image: flat(10), flagged: true), .init(image: flat(20)), .init(image: flat(30)),
      .init(image: flat(40)),
    ]).image
    // Three columns of 112, gaps of 10, margins of 12.
    #expect(sheet.width == 24 + 3 * 112 + 2 * 10)
    #expect(sheet.height == 24 + 2 * 112 + 10)
    for (index, corner) in [(12, 12), (134, 12), (256, 12), (12, 134)].enumerated() {
      let intensity = UInt8(10 * (index + 1))
      #expect(colour(sheet, corner.0, corner.1) == [intensity, intensity, intensity])
      #expect(
        colour(sheet, corner.0 + 111, corner.1 + 111) == [intensity, intensity, intensity])
    }
    let background = colour(sheet, 0, 0)
    #expect(colour(sheet, 11, 60) != background && colour(sheet, 9, 60) != background)
    #expect(colour(sheet, 8, 60) == background)
    #expect(colour(sheet, 133, 60) == background)
  }

  @Test func captionsAreWrittenUnderTheTile() {
    let tile = ContactSheet.Tile(image: flat(0), caption: "1", flagged: false)
    let sheet = ContactSheet(tiles: [tile]).image
    let background = colour(sheet, 0, 0)
    // A "1" in dots of 2 x 2: its stem stands in column 2 of 5, its foot is three dots wide.
    let (x, y) = (12, 12 + 112 + 5)
    func isInk(_ column: Int, _ row: Int) -> Bool {
      colour(sheet, x + 2 * column, y + 2 * row) != background
    }
    let foot = (0..<5).map { isInk($0, 6) }
    #expect(foot == [false, true, true, true, false])
    #expect((0..<7).allSatisfy { isInk(2, $0) })
    #expect(!isInk(0, 3) && !isInk(4, 3))
  }

  @Test func isBoundedAndSaysSo() {
    let tiles = (0..<450).map { _ in ContactSheet.Tile(image: flat(9, side: 112)) }
    let sheet = ContactSheet(tiles: tiles)
    let full = ContactSheet(tiles: Array(tiles.prefix(400)))
    #expect(sheet.image.width == full.image.width)
    let footer = sheet.image.height - full.image.height
    #expect(footer > 0)
    let background = colour(sheet.image, 0, 0)
    let last = (full.image.height..<sheet.image.height).flatMap { y in
      (0..<sheet.image.width).filter { colour(sheet.image, $0, y) != background }
    }
    #expect(!last.isEmpty, "the last line tells how many are left out")
    #expect(ContactSheet(tiles: Array(tiles.prefix(400)), total: 450).image == sheet.image)
  }

  @Test func bringsLargeImagesDown() {
    let sheet = ContactSheet(tiles: [.init(image: flat(77, side: 600))]).image
    #expect(sheet.width == 24 + 112 && sheet.height == 24 + 112)
    #expect(colour(sheet, 60, 60) == [77, 77, 77])
  }

  @Test func plainGridKeepsEveryImage() {
    let sheet = grid(of: (1...7).map { flat(UInt8($0)) }, columns: 3)
    #expect(sheet.width == 3 * 114 + 2 && sheet.height == 3 * 114 + 2)
    #expect(colour(sheet, 2, 2) == [1, 1, 1] && colour(sheet, 2, 2 + 2 * 114) == [7, 7, 7])
    #expect(grid(of: [flat(1)], columns: 8).width == 116)
  }
}
