import Foundation
import Images
import TestSupport
import Testing

@Suite(.enabled(if: Command.path != nil, Command.missing)) struct PurifyTests {
  /// A place with grey bars to learn (`normal`), some to hold out and some to move.
  private func trained(_ words: String...) throws -> Workplace {
    let place = Workplace()
    try place.makeImages("normal", 80)
    try place.makeImages("held-out", 40)
    try place.makeImages("mixed/good", 6)
    try place.makeImages("mixed/bad", 4, odd: true)
    let outcome = try place.scanline(
      [
        "train", "normal", "--run", "run", "--model", "pixelcnn", "--set", "blocks=1", "--set",
        "channels=8", "--epochs", "20", "--hold-out", "0", "--quiet",
      ] + words)
    #expect(outcome.status == 0, "\(outcome.error)")
    return place
  }

  @Test("odd images are moved, by epsilon at most, and likelier then")
  func moves() throws {
    let place = try trained()
    #expect(try place.scanline("calibrate", "run", "held-out", "--quiet").status == 0)
    let outcome = try place.scanline(
      "purify", "run", "mixed", "--epsilon", "20", "--out", "out", "--below", "0.6", "--json")
    let object = try outcome.object()
    #expect(object["images"] as? Int == 10)
    let table = String(decoding: try place.contents("out/purified.csv"), as: UTF8.self)
    let rows = table.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    #expect(rows.count == 10)
    var moved = 0
    for row in rows {
      let before = try Image.decode(contentsOf: place.file("mixed/\(row[0])"))
      let after = try Image.decode(contentsOf: place.file("out/\(row[1])"))
      let moves = zip(before.pixels, after.pixels).map { abs(Int($0) - Int($1)) }
      #expect(moves.max()! <= 20 && moves.count { $0 > 0 } == Int(row[6])!)
      #expect((Double(row[2])! <= 0.6) == (moves.max()! > 0), "\(row[0])")
      #expect(place.exists("out/moves/\(row[1].dropFirst(7))") == (moves.max()! > 0))
      guard moves.max()! > 0 else { continue }
      moved += 1
      #expect(Double(row[5])! < Double(row[4])!, "less likely than before")
    }
    #expect(object["moved"] as? Int == moved && moved >= 4)
    #expect(place.exists("out/sheet.png"))
    // What scanline wrote is no image to be read again, and its own to replace.
    #expect(try place.scanline("purify", "run", "mixed", "--out", "out", "--quiet").status == 0)
  }

  @Test("what cannot be is said in a line") func refusals() throws {
    let place = try trained()
    try place.scanline("purify", "run", "mixed", "--out", "out")
      .expectFailure(naming: ["run", "calibrate"])
    try place.scanline("purify", "run", "mixed", "--out", "out", "--epsilon", "0")
      .expectFailure(naming: ["--epsilon", "1 ... 255"], status: 64)
    try place.scanline("purify", "run", "mixed", "--out", "out", "--below", "2")
      .expectFailure(naming: ["--below", "0 ... 1"], status: 64)
    #expect(
      try place.scanline(
        "train", "normal", "--run", "few", "--model", "fvsbn", "--levels", "4", "--epochs", "2",
        "--hold-out", "0", "--quiet"
      ).status == 0)
    try place.scanline("purify", "few", "mixed", "--out", "out", "--epsilon", "50")
      .expectFailure(naming: ["--epsilon", "85 ... 255", "50"])
    #expect(
      try place.scanline(
        "train", "normal", "--run", "binary", "--model", "fvsbn", "--binarize", "threshold",
        "--epochs", "2", "--hold-out", "0", "--quiet"
      ).status == 0)
    try place.scanline("purify", "binary", "mixed", "--out", "out")
      .expectFailure(naming: ["binary", "levels"])
    #expect(!place.exists("out"))
  }
}
