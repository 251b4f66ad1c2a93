import Detection
import Files
import Foundation
import Images
import Randomness
import Reports
import TestSupport
import Testing

extension FlaggingTests {
  /// The files of a folder and what is in them, hidden ones left out.
  private func files(in name: String) throws -> [String: [UInt8]] {
    let paths = try #require(FileManager.default.enumerator(atPath: folder.file(name)))
    var files: [String: [UInt8]] = [:]
    for case let path as String in paths where !path.hasPrefix(".") {
      guard let contents = try? bytes(of: folder.file("\(name)/\(path)")) else { continue }
      files[path] = contents
    }
    return files
  }

  /// Names that need heat maps of other names.
  private var noise: DataSet {
    var random = RandomStream(seed: 1, "noise")
    let count = 90
    return DataSet(
      height: 2, width: 2, channels: 1,
      pixels: (0..<4 * count).map { _ in random.integer(below: 2) == 0 ? 0 : 255 },
      names: (0..<count).map { "folder.png/\($0).png" })
  }

  @Test("64 shards are one call, byte for byte", arguments: [nil, 0.3])
  func shards(falseDiscoveryRate: Double?) throws {
    var flagging = try flagging(untrained())
    flagging.heatMaps = .all
    flagging.falseDiscoveryRate = falseDiscoveryRate
    let whole = ImageSource(noise, at: "images")
    _ = try #require(try flagging.write(whole, to: folder.file("whole")))
    let parts = (1...64).map { folder.file("part-\($0)") }
    for (index, part) in parts.enumerated() {
      let shard = whole.part(Shard(index + 1, of: 64))
      #expect(try flagging.write(part: shard, to: part)?.images == shard.count)
    }
    let shards = try Shards(parts.shuffled())
    #expect(shards.haveReport)
    let summary = try shards.writeReport(to: folder.file("merged"))
    #expect(summary.images == 90 && summary.missingHeatMaps == 0)
    let (found, expected) = (try files(in: "merged"), try files(in: "whole"))
    #expect(Set(found.keys) == Set(expected.keys) && found.keys.contains("report.html"))
    for (path, contents) in expected { #expect(found[path] == contents, "\(path)") }
  }

  @Test("shards that are no whole are refused")
  func otherShards() throws {
    var flagging = try flagging(untrained())
    let whole = ImageSource(noise, at: "images")
    func write(_ index: Int, of count: Int, to name: String, _ source: ImageSource? = nil) throws {
      let shard = (source ?? whole).part(Shard(index, of: count))
      _ = try flagging.write(part: shard, to: folder.file(name))
    }
    func expectRefusal(_ names: [String], _ words: String...) {
      #expect {
        try Shards(names.map { folder.file($0) })
      } throws: { error in
        words.allSatisfy { "\(error)".contains($0) }
      }
    }
    try write(1, of: 3, to: "a")
    try write(2, of: 3, to: "b")
    try write(3, of: 3, to: "c")
    expectRefusal(["a", "c"], "all 3 shards", "none of 2")
    expectRefusal(["a", "b", "c", "a"], "a", "1/3 again")
    try write(2, of: 2, to: "other")
    expectRefusal(["a", "b", "other"], "other", "shard 2/2")
    try write(2, of: 3, to: "fewer", ImageSource(noise[0..<80], at: "images"))
    expectRefusal(["a", "fewer", "c"], "fewer", "of 80 others")
    flagging.falseAlarmRate = 0.1
    try write(2, of: 3, to: "rate")
    expectRefusal(["a", "rate", "c"], "rate", "--false-alarm-rate 0.05", "0.1")
    flagging.falseAlarmRate = 0.05
    // Half of one.
    let shard = whole.part(Shard(1, of: 1))
    #expect(
      try flagging.write(part: shard, to: folder.file("half"), progress: { _, _ in false }) == nil)
    expectRefusal(["half"], "half", "all 90 images of shard 1/1", "--resume")
    folder.makeFolder("empty")
    expectRefusal(["a", "b", "empty"], "empty", "shard.journal")
    _ = try flagging.write(whole, to: folder.file("whole"))
    expectRefusal(["whole"], "whole")
  }

  @Test("what was found is not computed again, and comes out the same")
  func resumed() throws {
    let counting = Counting()
    let flagging = try flagging(untrained(counting))
    let source = ImageSource(noise, at: "images")
    let out = folder.file("out")
    let stopped = try flagging.write(source, to: out) { _, done, _ in done < 60 }
    #expect(try stopped == nil && !files(in: "out").keys.contains("scores.csv"))
    // Half a record more, as a killed process may leave it.
    let journal = folder.file("out/.journal")
    let whole = try bytes(of: journal)
    try Data(whole + [3, 0, 0, 0, 1]).write(to: URL(fileURLWithPath: journal))
    let seen = counting.count
    _ = try #require(try flagging.write(source, to: out, resume: true))
    #expect(seen + (90 - seen / 4) * 4 == counting.count && seen > 0 && seen < 90 * 4)
    _ = try flagging.write(source, to: folder.file("whole"))
    let (found, expected) = (try files(in: "out"), try files(in: "whole"))
    #expect(found == expected)
    // Without it all is begun anew.
    let before = counting.count
    _ = try flagging.write(source, to: out)
    #expect(counting.count == before + 90 * 4)
    // And with it, of what is whole, nothing is computed.
    _ = try flagging.write(source, to: out, resume: true)
    #expect(counting.count == before + 90 * 4)
    #expect(try files(in: "out") == expected)
  }

  @Test("a journal of other images or settings is not gone on with")
  func otherJournals() throws {
    var flagging = try flagging(untrained())
    let source = ImageSource(noise, at: "images")
    let out = folder.file("out")
    _ = try flagging.write(source, to: out)
    func expectRefusal(_ source: ImageSource, _ words: String) {
      #expect {
        try flagging.write(source, to: out, resume: true)
      } throws: { error in
        "\(error)".contains(words) && "\(error)".contains("without --resume")
      }
    }
    expectRefusal(ImageSource(noise[0..<89], at: "images"), "these 89 images")
    flagging.heatMaps = .none
    expectRefusal(source, "--heatmaps none")
    flagging.heatMaps = .shown
    let calibration = try Calibration(
      scores: ["nats": [Double](repeating: 1, count: 50)], data: "none")
    flagging = Flagging(
      scorer: try Scorer(untrained(), calibration: calibration), calibration: calibration,
      falseAlarmRate: 0.05)
    expectRefusal(source, "calibrated alike")
  }
}
