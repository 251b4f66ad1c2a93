import Foundation
import Images
import TestSupport
import Testing

/// Many jobs, lists of files, single images: `flag` and `score` as they are put to work on folders.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct ShardTests {
  let place: Workplace

  init() throws {
    place = try Workplace.trained()
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
  }

  /// All files of a folder, hidden ones left out, as a table of their contents.
  private func files(in folder: String) throws -> [String: Data] {
    let paths = try #require(FileManager.default.subpaths(atPath: place.file(folder)))
    return try paths.filter { !$0.hasPrefix(".") }.reduce(into: [:]) { files, path in
      var isFolder: ObjCBool = false
      let whole = place.file("\(folder)/\(path)")
      guard FileManager.default.fileExists(atPath: whole, isDirectory: &isFolder),
        !isFolder.boolValue
      else { return }
      files[path] = try place.contents("\(folder)/\(path)")
    }
  }

  private func expectSame(
    _ found: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (found, expected) = (try files(in: found), try files(in: expected))
    #expect(
      Set(found.keys) == Set(expected.keys) && expected.keys.contains("report.html"),
      sourceLocation: sourceLocation)
    for (path, contents) in expected {
      #expect(found[path] == contents, "\(path)", sourceLocation: sourceLocation)
    }
  }

  @Test(
    "shards of flag, merged, are one call",
    arguments: [
      ["--false-alarm-rate", "0.1"], ["--false-discovery-rate", "0.3", "--heatmaps", "all"],
    ])
  func flag(_ more: [String]) throws {
    place.write(Data("no image".utf8), to: "mixed/broken.png")
    place.write(Data("no image".utf8), to: "mixed/notes.txt")
    let flag = ["flag", "run", "mixed"] + more
    let whole = try place.scanline(flag + ["--out", "whole", "--json"]).object()
    #expect(whole["images"] as? Int == 25 && whole["unreadable"] as? Int == 2)
    for index in 1...4 {
      let part = try place.scanline(
        flag + ["--out", "part-\(index)", "--shard", "\(index)/4", "--json"]
      ).object()
      #expect(part["shard"] as? String == "\(index)/4")
      #expect(try place.names(in: "part-\(index)") == ["shard.journal"])
    }
    let merged = try place.scanline(
      "merge", "part-4", "part-2", "part-1/", "part-3", "--out", "merged", "--json", "--quiet"
    ).object()
    for key in ["images", "flagged", "unreadable", "calibration_images", "heat_maps"] {
      #expect(merged[key] as? Int == whole[key] as? Int, "\(key)")
    }
    try expectSame("merged", "whole")
    let page = String(decoding: try place.contents("merged/report.html"), as: UTF8.self)
    #expect(page.contains(shellWords(flag)) && !page.contains("--shard"))

    try place.scanline("merge", "part-1", "part-2", "part-4", "--out", "m")
      .expectFailure(naming: ["all 4 shards", "none of 3"])
    try place.scanline("merge", "part-1", "mixed", "--out", "m").expectFailure(naming: ["mixed"])
    try place.scanline("merge", "part-1", "part-2", "part-3", "part-4", "--out", "part-1")
      .expectFailure(naming: ["part-1", "another place"])
    #expect(
      try place.scanline(
        "merge", "part-1", "part-2", "part-3", "part-4", "--out", "m", "--fail-if-flagged"
      ).status == 3)
  }

  private func shellWords(_ words: [String]) -> String { words.joined(separator: " ") }

  @Test("shards of score, merged, are one call")
  func score() throws {
    let score = ["score", "run", "mixed", "--score", "nats"]
    #expect(try place.scanline(score + ["--out", "whole.csv"]).status == 0)
    #expect(!place.exists("whole.csv.journal"))
    for index in 1...3 {
      let outcome = try place.scanline(
        score + ["--out", "part-\(index).csv", "--shard", "\(index)/3"])
      #expect(outcome.status == 0, "\(outcome.error)")
    }
    let parts = (1...3).reversed().map { "part-\($0).csv" }
    let merged = try place.scanline(["merge"] + parts + ["--out", "merged.csv", "--json"]).object()
    #expect(merged["images"] as? Int == 25)
    #expect(try place.contents("merged.csv") == place.contents("whole.csv"))
    try place.scanline(["merge", "part-1.csv", "whole.csv", "--out", "m.csv"])
      .expectFailure(naming: ["whole.csv", "whole.csv.journal"])
    try place.scanline(
      score + ["--out", "p.csv", "--shard", "1/3", "--false-discovery-rate", "0.1"]
    )
    .expectFailure(naming: ["--false-discovery-rate", "--shard"], status: 64)
    for shard in ["0/3", "4/3", "3", "a/b"] {
      try place.scanline(score + ["--out", "p.csv", "--shard", shard])
        .expectFailure(naming: [shard], status: 64)
    }
  }

  @Test("paths of a list are inspected, by line or by NUL, whatever they are")
  func lists() throws {
    func csv(_ script: String) throws -> [String] {
      let shell = try Shell(script, [#require(Command.path)], in: place.path)
      #expect(try shell.end() == 0, "\(shell.text("error"))")
      return shell.text("out.csv").split(separator: "\n").map(String.init)
    }
    let names = try place.names(in: "mixed/bad").map { "mixed/bad/\($0)" }
    let common = #"--out out.csv --overwrite --quiet"#
    let byLine = try csv(
      #"find mixed/bad -name '*.png' | "$0" score run --files-from - \#(common)"#)
    #expect(byLine.dropFirst().map { String($0.prefix { $0 != "," }) } == names)
    let byNUL = try csv(
      #"find mixed/bad -name '*.png' -print0 | "$0" score run --files-from - -0 \#(common)"#)
    #expect(byNUL == byLine)
    let twice = try csv(
      #"ls mixed/bad/*.png mixed/bad/*.png > list; printf '\n' >> list; "$0" score run --files-from list \#(common)"#
    )
    #expect(twice == byLine)
    // Numbers are those of the folder's own images.
    let folder = try csv(#""$0" score run mixed/bad \#(common)"#)
    #expect(
      folder.dropFirst().map { "mixed/bad/" + $0 } == Array(byLine.dropFirst()))

    // Whole paths, and such that lead away, have heat maps in the folder, links, and names.
    place.folder.makeFolder("else/where")
    let elsewhere = "../mixed/bad/00.png\n\(place.file("mixed/bad/01.png"))\nmissing.png\n"
    place.write(Data(elsewhere.utf8), to: "else/list")
    let flagged = try Shell(
      #"cd else; "$0" flag ../run --files-from list --out out --json > ../result"#,
      [#require(Command.path)], in: place.path)
    #expect(try flagged.end() == 0, "\(flagged.text("error"))")
    let result = try JSONSerialization.jsonObject(with: place.contents("result"))
    #expect((result as? [String: Any])?["images"] as? Int == 2)
    let table = String(decoding: try place.contents("else/out/unreadable.csv"), as: UTF8.self)
    #expect(table.contains("\nmissing.png,"))
    #expect(try place.names(in: "else/out/heatmaps").count == 2)
    let page = String(decoding: try place.contents("else/out/report.html"), as: UTF8.self)
    let links = page.matches(of: /"(\.\.\/[^"]*\.png)"/).map { String($0.1) }
    // A name that leads away looks like a link, but from another folder.
    #expect(links.count { place.exists("else/out/\($0)") } == 2, "\(links)")

    for (words, named) in [
      (["--files-from", "none"], "none"), (["--files-from", "/dev/null"], "/dev/null"),
    ] {
      try place.scanline(["score", "run", "--out", "s.csv"] + words).expectFailure(naming: [named])
    }
    for words in [["mixed", "--files-from", "list"], [], ["mixed", "--null"]] {
      try place.scanline(["score", "run", "--out", "s.csv"] + words)
        .expectFailure(naming: ["--files-from"], status: 64)
    }
  }

  @Test("one image is DATA too")
  func oneImage() throws {
    let object = try place.scanline("flag", "run", "mixed/bad/03.png", "--out", "one", "--json")
      .object()
    #expect(object["images"] as? Int == 1 && object["flagged"] as? Int == 1)
    let all = try place.scanline("score", "run", "mixed", "--out", "all.csv")
    #expect(all.status == 0, "\(all.error)")
    let row = String(decoding: try place.contents("one/scores.csv"), as: UTF8.self)
      .split(separator: "\n")[1]
    let rows = String(decoding: try place.contents("all.csv"), as: UTF8.self).split(separator: "\n")
    #expect(rows.contains("bad/" + row))
    #expect(place.exists("one/heatmaps/03.png.png") && place.exists("one/report.html"))
    let page = String(decoding: try place.contents("one/report.html"), as: UTF8.self)
    #expect(page.contains("../mixed/bad/03.png"))
  }

  @Test("score --npy has the surprise of every sub-pixel")
  func surprise() throws {
    place.write(Data("no image".utf8), to: "mixed/a-broken.png")
    try Image(height: 20, width: 30, channels: 3, pixels: [UInt8](repeating: 99, count: 1800))
      .writePNG(to: place.file("mixed/large.png"))
    let outcome = try place.scanline("score", "run", "mixed", "--out", "s.csv", "--npy", "s.npy")
    #expect(outcome.status == 0, "\(outcome.error)")
    let array = try place.contents("s.npy")
    let header = String(decoding: array[10..<128], as: UTF8.self)
    #expect(header.contains("'<f4'") && header.contains("(26, 10, 10, 1)"))
    let values = array.dropFirst(128).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(values.count == 2600)
    let rows = String(decoding: try place.contents("s.csv"), as: UTF8.self).split(separator: "\n")
      .dropFirst()
    #expect(rows.count == 26)
    for (index, row) in rows.enumerated() {
      let nats = try #require(Double(row.split(separator: ",")[1]))
      let bits = values[index * 100..<(index + 1) * 100].reduce(0.0) { $0 + Double($1) }
      #expect(abs(bits * log(2) - nats) < 1e-4 * nats, "\(row)")
    }
    // A file that scanline cannot know for its own.
    try place.scanline("score", "run", "mixed", "--out", "s.csv", "--npy", "s.npy")
      .expectFailure(naming: ["s.npy", "--overwrite"])
  }

  @Test("a table to a pipe is not gone on with")
  func streams() throws {
    for flag in [["--resume"], ["--shard", "1/2"]] {
      try place.scanline(["score", "run", "mixed", "--out", "/dev/stdout"] + flag)
        .expectFailure(naming: [flag[0], "pipe"], status: 64)
    }
  }
}
