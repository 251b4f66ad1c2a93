import ArgumentParser
import Files
import Foundation
import Images
import Strokes

@main
struct MakeStrokes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-strokes",
    abstract:
      "Draws a bundled data set: digits and outsiders among them, or plates and faulty ones.",
    discussion: "The same seed draws the same pixels on every machine.")

  enum Collection: String, ExpressibleByArgument, CaseIterable {
    /// Digits that look written by hand.
    case strokes
    /// Parts of woven cloth.
    case plates
  }

  @Argument(help: "The folder to draw into; files of the same names are replaced.")
  var folder: String

  @Option(help: "What to draw.")
  var what = Collection.strokes

  @Option(help: "What all chance in the drawings comes from.")
  var seed: UInt64 = 1

  func run() throws {
    switch what {
    case .strokes:
      for drawing in Drawing.collection {
        try write(drawing.image(seed: seed), to: drawing.path)
      }
      print("\(Drawing.collection.count) images in \(folder)")
    case .plates:
      for plate in Plate.collection {
        let photograph = plate.photograph(seed: seed)
        try write(photograph.image, to: plate.path)
        guard let outline = photograph.outline, let fault = plate.fault else { continue }
        let name = URL(fileURLWithPath: plate.path).deletingPathExtension().lastPathComponent
        try AtomicFile.write(
          Data("\(outline) \(fault.rawValue)\n".utf8), to: try file("boxes/\(name).txt"))
      }
      print("\(Plate.collection.count) images in \(folder)")
    }
  }

  private func write(_ image: Image, to path: String) throws {
    try image.writePNG(to: file(path))
  }

  /// A file of the folder, whose own folder is made.
  private func file(_ path: String) throws -> String {
    let file = URL(fileURLWithPath: folder).appendingPathComponent(path)
    try makeFolder(file.deletingLastPathComponent().path)
    return file.path
  }
}
