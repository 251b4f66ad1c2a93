import Foundation
import Images
import Strokes
import Testing

private let collection = Drawing.collection

/// A tenth of a folder's drawings, the phase shifting so that no symbol is always left out.
private func everyTenth(_ folder: String) -> [Drawing] {
  collection.filter { $0.path.hasPrefix(folder) }.enumerated()
    .filter { $0.offset % 10 == $0.offset / 10 % 10 }.map(\.element)
}

private let committed = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("datasets/strokes")

/// Ink of an image, the sum of its intensities with white as 1, in pixels.
private func ink(_ image: Image) -> Double {
  image.pixels.reduce(0) { $0 + Double($1) } / 255
}

@Suite struct StrokesTests {
  @Test func collectionIsWhatTheReadmePromises() {
    let folders = Dictionary(grouping: collection) {
      $0.path.split(separator: "/").dropLast().joined(separator: "/")
    }.mapValues(\.count)
    for digit in 0...9 {
      #expect(folders["digits/\(digit)"] == 240)
      #expect(folders["held-out/\(digit)"] == 50)
    }
    #expect(folders["mixed/normal"] == 400)
    for kind in ["letters", "doodles", "defects"] { #expect(folders["mixed/\(kind)"] == 100) }
    #expect(folders.count == 24)
    #expect(Set(collection.map(\.path)).count == collection.count)
    #expect(collection.filter { $0.damage != nil }.allSatisfy { $0.path.contains("/defects/") })
  }

  @Test func drawingDependsOnSeedAndPathAlone() {
    let drawings = everyTenth("mixed/")
    let first = drawings.map { $0.image(seed: 1) }
    let again = drawings.reversed().map { $0.image(seed: 1) }
    #expect(first == again.reversed())
    for (drawing, image) in zip(drawings, first) { #expect(drawing.image(seed: 2) != image) }
  }

  @Test func noTwoDrawingsAreAlike() {
    #expect(Set(collection.map { $0.image(seed: 1).pixels }).count == collection.count)
  }

  /// As in MNIST: a box of 20 × 20 (one more for the soft edge), the centre of mass in the middle.
  @Test func symbolsAreBoxedAndCentred() {
    for drawing in collection where drawing.damage == nil {
      let image = drawing.image(seed: 1)
      #expect((image.width, image.height, image.channels) == (28, 28, 1))
      var (x, y) = (0.0, 0.0)
      var (rows, columns) = (Set<Int>(), Set<Int>())
      for (index, value) in image.pixels.enumerated() {
        let (row, column) = index.quotientAndRemainder(dividingBy: 28)
        x += Double(value) * (Double(column) + 0.5) / 255
        y += Double(value) * (Double(row) + 0.5) / 255
        if value > 127 {
          rows.insert(row)
          columns.insert(column)
        }
      }
      let mass = ink(image)
      #expect(abs(x / mass - 14) < 0.2 && abs(y / mass - 14) < 0.2, "\(drawing.path)")
      #expect((18...21).contains(max(rows.count, columns.count)), "\(drawing.path)")
      #expect(image.pixels.max() == 255, "\(drawing.path)")
    }
  }

  /// Where MNIST's mean intensity is 0.13, ours is near; a one is lightest.
  @Test func digitsHaveTheInkOfHandwriting() {
    let mean = (0...9).map { digit in
      let inks = everyTenth("digits/\(digit)/").map { ink($0.image(seed: 1)) }
      return inks.reduce(0, +) / Double(inks.count)
    }
    #expect(mean.min() == mean[1])
    let overall = mean.reduce(0, +) / 10 / 784
    #expect((0.1...0.16).contains(overall), "\(overall)")
  }

  /// A likelihood hardly objects to less ink than it knows: outsiders have more.
  @Test(arguments: ["letters", "doodles", "defects"])
  func outsidersHaveMoreInkThanDigits(kind: String) {
    func inks(_ folder: String) -> [Double] { everyTenth(folder).map { ink($0.image(seed: 1)) } }
    let (digits, outsiders) = (inks("digits/"), inks("mixed/\(kind)/"))
    let mean = digits.reduce(0, +) / Double(digits.count)
    #expect(outsiders.reduce(0, +) / Double(outsiders.count) > 1.2 * mean)
    #expect(outsiders.min()! > 0.7 * mean)
  }

  /// Damage adds at least the ink of 15 white pixels to what its digit has on average.
  @Test func damageIsPlainToSee() {
    let usual = Dictionary(grouping: everyTenth("digits/"), by: \.symbol.name).mapValues {
      $0.map { ink($0.image(seed: 1)) }.reduce(0, +) / Double($0.count)
    }
    for drawing in collection where drawing.damage != nil {
      #expect(ink(drawing.image(seed: 1)) > usual[drawing.symbol.name]! + 15, "\(drawing.path)")
    }
  }

  /// The committed files are the generator's, pixel for pixel.
  @Test(arguments: ["digits/", "held-out/", "mixed/"])
  func committedFilesAreReproduced(folder: String) throws {
    for drawing in everyTenth(folder) {
      let file = committed.appendingPathComponent(drawing.path).path
      #expect(try Image.decode(contentsOf: file) == drawing.image(seed: 1), "\(drawing.path)")
    }
  }

  @Test func committedFilesAreTheWholeCollection() throws {
    let files = try FileManager.default.subpathsOfDirectory(atPath: committed.path)
      .filter { $0.hasSuffix(".png") }
    #expect(Set(files) == Set(collection.map(\.path)))
  }
}
