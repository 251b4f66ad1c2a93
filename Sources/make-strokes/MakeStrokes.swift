import ArgumentParser
import Files
import Foundation
import Images
import Strokes

@main
struct MakeStrokes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-strokes",
    abstract: "Draws the bundled data set: handwritten-looking digits, and outsiders among them.",
    discussion: "The same seed draws the same pixels on every machine.")

  @Argument(help: "The folder to draw into; files of the same names are replaced.")
  var folder: String

  @Option(help: "What all chance in the drawings comes from.")
  var seed: UInt64 = 1

  func run() throws {
    for drawing in Drawing.collection {
      let file = URL(fileURLWithPath: folder).appendingPathComponent(drawing.path)
      try makeFolder(file.deletingLastPathComponent().path)
      try drawing.image(seed: seed).writePNG(to: file.path)
    }
    print("\(Drawing.collection.count) images in \(folder)")
  }
}
