import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Command.path != nil, Command.missing)) struct DriftTests {
  private func calibrated() throws -> Workplace {
    let place = try Workplace.trained()
    #expect(try place.scanline("calibrate", "run", "held-out", "--quiet").status == 0)
    return place
  }

  @Test("a batch as before is told from another") func batch() throws {
    let place = try calibrated()
    try place.makeImages("today", 30, seed: 3)
    try place.makeImages("noise", 10, odd: true)
    let same = try place.scanline("drift", "run", "today", "--json")
    #expect(same.status == 0)
    #expect(try same.object()["changed"] as? Bool == false)
    let other = try place.scanline("drift", "run", "noise", "--json")
    #expect(other.status == 3)
    let object = try other.object()
    #expect(object["changed"] as? Bool == true && object["images"] as? Int == 10)
    #expect(object["typicality"] != nil && object["kolmogorov_smirnov"] != nil)
    let words = try place.scanline("drift", "run", "noise", "--quiet")
    #expect(words.out.contains("10 images: changed"))
  }

  @Test("a stream's lines are the same where it was stopped and gone on with")
  func stream() throws {
    let place = try calibrated()
    try place.makeImages("more", 40, seed: 3)
    try place.makeImages("noise", 15, odd: true)
    let paths =
      try place.names(in: "more").map { "more/\($0)" } + ["gone.png", "more/00.png"]
      + place.names(in: "noise").map { "noise/\($0)" }
    func follow(_ paths: ArraySlice<String>, _ words: String...) throws -> Outcome {
      place.write(Data(paths.map { $0 + "\n" }.joined().utf8), to: "paths")
      return try place.start(["drift", "run", "--follow"] + words, input: "paths").outcome()
    }
    let whole = try follow(paths[...])
    #expect(whole.status == 3)
    let lines = whole.out.split(separator: "\n")
    #expect(lines.count == paths.count + 1)
    let objects = try lines.map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(objects[40]["error"] != nil && objects[40]["path"] as? String == "gone.png")
    #expect(objects.dropLast().map { $0["path"] as? String } == paths)
    let changed = objects.map { $0["changed"] as? Bool == true }
    #expect(!changed[41] && changed[56])
    // Images, not lines: the missing file is none.
    #expect(objects.last!["images"] as? Int == 56)
    #expect(objects.last!["changed_at"] as? Int == changed.firstIndex(of: true)!)
    #expect(whole.error.contains("the stream has changed"))

    let first = try follow(paths[..<44], "--state", "state")
    #expect(first.status == 0)
    let second = try follow(paths[44...], "--state", "state")
    #expect(second.status == 3 && second.error.contains("going on after 43 images"))
    let together = first.out.split(separator: "\n").dropLast() + second.out.split(separator: "\n")
    #expect(Array(together) == lines)

    // Cut short, as by a power cut, it goes on after the last image that is whole.
    var state = try place.contents("state")
    state.removeLast(3)
    place.write(state, to: "state")
    let third = try follow(paths.suffix(1), "--state", "state")
    #expect(third.out.split(separator: "\n").first == lines[56])
    #expect(third.out.contains(#""changed_at":\#(changed.firstIndex(of: true)!)"#))
    try place.scanline("drift", "run", "--follow", "--state", "state", "--level", "0.01")
      .expectFailure(naming: ["state", "--level 0.01"])
  }

  @Test("what cannot be is said in a line") func badInput() throws {
    let place = try Workplace.trained()
    try place.scanline("drift", "run", "held-out").expectFailure(naming: ["run", "calibrate"])
    #expect(try place.scanline("calibrate", "run", "held-out", "--quiet").status == 0)
    try place.makeImages("few", 5)
    try place.scanline("drift", "run", "few", "--quiet")
      .expectFailure(naming: ["few", "8 images", "5"])
    for words in [
      ["drift", "run"], ["drift", "run", "few", "--follow"],
      ["drift", "run", "few", "--state", "s"], ["drift", "run", "few", "--level", "1"],
    ] { try place.scanline(words).expectFailure(naming: ["expected"], status: 64) }
    try place.scanline("drift", "run", "--follow", "--state", "run/config.json")
      .expectFailure(naming: ["config.json", "journal"])
  }
}
