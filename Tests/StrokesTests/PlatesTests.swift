import Foundation
import Images
import Strokes
import Testing

private let collection = Plate.collection

private let committed = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("datasets/plates")

private func everyFifth(_ folder: String) -> [Plate] {
  collection.filter { $0.path.hasPrefix(folder) }.enumerated().filter { $0.offset % 5 == 0 }
    .map(\.element)
}

@Suite struct PlatesTests {
  @Test func collectionIsWhatTheReadmePromises() {
    let folders = Dictionary(grouping: collection) {
      $0.path.split(separator: "/").dropLast().joined(separator: "/")
    }
    #expect(folders.mapValues(\.count) == ["train": 120, "mixed/good": 30, "mixed/defect": 30])
    #expect(Set(collection.map(\.path)).count == collection.count)
    for plate in collection {
      #expect((plate.fault != nil) == plate.path.hasPrefix("mixed/defect/"))
    }
    let faults = Dictionary(grouping: collection.compactMap(\.fault)) { $0 }
    #expect(faults.count == 4 && faults.values.allSatisfy { $0.count >= 7 })
  }

  @Test func photographDependsOnSeedAndPathAlone() {
    for plate in everyFifth("mixed/defect/") {
      let first = plate.photograph(seed: 1)
      let again = plate.photograph(seed: 1)
      #expect(first.image == again.image && first.outline == again.outline)
      #expect(plate.photograph(seed: 2).image != first.image)
    }
    let plates = everyFifth("train/").map { $0.photograph(seed: 1).image.pixels }
    #expect(Set(plates).count == plates.count)
  }

  /// The same plate with its fault and without differs within the outline alone, and so that anybody
  /// sees it.
  @Test func faultsAreWithinTheirOutlines() throws {
    for plate in collection where plate.fault != nil {
      let faulty = plate.photograph(seed: 1)
      let sound = Plate(path: plate.path, fault: nil).photograph(seed: 1).image
      let outline = try #require(faulty.outline)
      var (inside, outside) = (0, 0)
      var (least, most) = ((256, 256), (0, 0))
      for (index, (a, b)) in zip(faulty.image.pixels, sound.pixels).enumerated() where a != b {
        let (y, x) = index.quotientAndRemainder(dividingBy: Plate.side)
        let isInside =
          (outline.left...outline.right).contains(x) && (outline.top...outline.bottom).contains(y)
        if isInside { inside += abs(Int(a) - Int(b)) } else { outside += 1 }
        least = (min(least.0, x), min(least.1, y))
        most = (max(most.0, x), max(most.1, y))
      }
      #expect(outside == 0, "\(plate.path)")
      #expect(inside > 4_000, "\(plate.path): \(inside)")
      // The outline is not much larger than what it is around.
      #expect(least.0 - outline.left < 12 && least.1 - outline.top < 12, "\(plate.path)")
      #expect(outline.right - most.0 < 12 && outline.bottom - most.1 < 12, "\(plate.path)")
    }
  }

  /// The committed files are the generator's, pixel for pixel.
  @Test func committedFilesAreReproduced() throws {
    for plate in everyFifth("") {
      let file = committed.appendingPathComponent(plate.path).path
      let photograph = plate.photograph(seed: 1)
      #expect(try Image.decode(contentsOf: file) == photograph.image, "\(plate.path)")
      guard let fault = plate.fault, let outline = photograph.outline else { continue }
      let name = plate.path.split(separator: "/").last!.replacing(".png", with: ".txt")
      let boxes = committed.appendingPathComponent("boxes/\(name)")
      let text = try String(contentsOf: boxes, encoding: .utf8)
      #expect(text == "\(outline) \(fault.rawValue)\n")
    }
  }

  @Test func committedFilesAreTheWholeCollectionAndSmall() throws {
    let files = try FileManager.default.subpathsOfDirectory(atPath: committed.path)
    #expect(Set(files.filter { $0.hasSuffix(".png") }) == Set(collection.map(\.path)))
    #expect(files.count { $0.hasSuffix(".txt") } == 30)
    var bytes = 0
    for file in files where file.contains(".") {
      let path = committed.appendingPathComponent(file).path
      bytes += try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }
    #expect(bytes <= 4_000_000, "\(bytes)")
  }
}
