import Foundation
import Images
import Randomness
import TestSupport
import Testing

/// `flag` and `score` of a folder, killed at moments that the test knows nothing of, and gone on with.
@Suite(.serialized, .enabled(if: Command.path != nil, Command.missing)) struct FlagKillTests {
  /// `make study-kills` has more.
  private static let kills =
    ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0) } ?? 8
  let place = Workplace()

  /// A run that takes some milliseconds an image, and many images of few kinds.
  private func prepare() throws {
    try place.makeImages("normal", 60)
    try place.makeImages("held-out", 40)
    try place.makeImages("odd", 4, odd: true)
    let outcome = try place.scanline(
      "train", "normal", "--run", "run", "--model", "pixelcnn", "--set", "blocks=6", "--set",
      "channels=96", "--binarize", "threshold", "--epochs", "1", "--quiet")
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    place.folder.makeFolder("many")
    for index in 0..<900 {
      let kind = index % 16 < 1 ? "odd/0\(index / 16 % 4)" : "normal/\(10 + index % 50)"
      try FileManager.default.linkItem(
        atPath: place.file("\(kind).png"), toPath: place.file("many/\(index).png"))
    }
    place.write(Data("no image".utf8), to: "many/5broken.png")
  }

  /// Runs a command to its end, killed as often as it takes, and tells how often.
  private func run(_ words: [String], _ random: inout RandomStream) throws -> Int {
    var kills = 0
    while true {
      let running = try place.start(words + (kills > 0 ? ["--resume"] : []))
      // As long as it takes to come somewhere.
      Thread.sleep(forTimeInterval: 0.05 + 0.5 * random.uniform())
      let isKilled = kills < Self.kills && running.process.isRunning
      if isKilled { kill(running.process.processIdentifier, SIGKILL) }
      let outcome = try running.outcome()
      if outcome.status != -SIGKILL {
        #expect(outcome.status == 0, "\(outcome.error)")
        return kills
      }
      kills += 1
    }
  }

  @Test("killed at random moments, they come out as never killed")
  func kills() throws {
    try prepare()
    var random = RandomStream(seed: 3, "kills")
    let flag = ["flag", "run", "many", "--threads", "1", "--quiet"]
    #expect(try place.scanline(flag + ["--out", "whole"]).status == 0)
    var kills = 0
    var runs = 0
    while kills < Self.kills {
      kills += try run(flag + ["--out", "out\(runs)"], &random)
      for name in try place.names(in: "whole") where name != "heatmaps" {
        #expect(
          try place.contents("out\(runs)/\(name)") == place.contents("whole/\(name)"), "\(name)")
      }
      #expect(try place.names(in: "out\(runs)/heatmaps") == place.names(in: "whole/heatmaps"))
      runs += 1
      try #require(runs < 20, "it is done before it can be killed")
    }
    let score = ["score", "run", "many", "--threads", "1", "--quiet"]
    #expect(
      try place.scanline(score + ["--out", "whole.csv", "--npy", "whole.npy"]).status == 0)
    let stops = try run(score + ["--out", "s.csv", "--npy", "s.npy"], &random)
    for name in ["csv", "npy"] {
      #expect(try place.contents("s.\(name)") == place.contents("whole.\(name)"))
    }
    #expect(!place.exists("s.csv.journal") && !place.exists("s.npy.part"))
    print("\(kills) kills of flag in \(runs) runs, \(stops) of score in one")
  }

  @Test("Ctrl-C says how to go on, and that does")
  func interrupted() throws {
    try prepare()
    for words in [
      ["flag", "run", "many", "--out", "out dir"], ["score", "run", "many", "--out", "s.csv"],
    ] {
      let shell = try Shell(
        #""$0" "$@"; echo $? > status"#, [#require(Command.path)] + words, in: place.path,
        hasTerminal: true)
      let journal = words[0] == "flag" ? "out dir/.journal" : "s.csv.journal"
      // Something has been found.
      #expect(
        shell.waits {
          let size = try? FileManager.default.attributesOfItem(atPath: place.file(journal))[.size]
          return (size as? Int ?? 0) > 20_000
        })
      shell.type(3)
      #expect(try shell.end() == 0)
      #expect(try shell.number(in: "status") == 130, "\(words[0]): \(shell.screen)")
      let out = words[4].contains(" ") ? "'\(words[4])'" : words[4]
      let advice = "go on with: scanline \(words[0]) run many --out \(out) --resume"
      #expect(shell.waits { shell.screen.contains(advice) }, "\(shell.screen)")
      unlink(place.file("status"))
      let result = words[0] == "flag" ? "out dir/report.html" : "s.csv"
      #expect(!place.exists(result))
      #expect(try place.scanline(words + ["--resume", "--quiet"]).status == 0)
      #expect(place.exists(result))
    }
  }
}
