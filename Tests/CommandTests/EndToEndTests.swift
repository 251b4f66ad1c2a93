import Foundation
import Images
import TestSupport
import Testing

/// From images to a report, with every number that the verbs print checked against the others.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct EndToEnd {
  let place: Workplace

  init() throws { place = try Workplace.trained() }

  /// The fields of a CSV file without quotes, by column.
  private func columns(_ file: String) throws -> [String: [String]] {
    let lines = String(decoding: try place.contents(file), as: UTF8.self).split(separator: "\n")
    let rows = lines.map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(rows.allSatisfy { $0.count == rows[0].count })
    return Dictionary(
      uniqueKeysWithValues: rows[0].indices.map { i in (rows[0][i], rows.dropFirst().map { $0[i] })
      })
  }

  /// The negative log-likelihoods that `calibrate` stored. JSONSerialization would not do: on Linux it
  /// reads a quarter of all numbers a bit too low or too high.
  private func calibratedNats() throws -> [Double] {
    struct Calibration: Decodable { let scores: [String: [Double]] }
    let json = try place.contents("run/calibration.json")
    return try #require(JSONDecoder().decode(Calibration.self, from: json).scores["nats"])
  }

  @Test("sample draws the same images for the same seed, whatever the count")
  func sample() throws {
    let object = try place.scanline(
      "sample", "run", "--count", "12", "--out", "a", "--seed", "3", "--json"
    ).object()
    #expect(object["images"] as? Int == 12)
    #expect(
      try place.names(in: "a") == (1...12).map { $0 < 10 ? "000\($0).png" : "00\($0).png" } + [
        "grid.png"
      ])
    place.write(Data("mine".utf8), to: "b/notes.txt")
    #expect(
      try place.scanline("sample", "run", "--count", "5", "--out", "b", "--seed", "3").status == 0)
    for name in ["0001.png", "0005.png"] {
      #expect(try place.contents("a/\(name)") == place.contents("b/\(name)"))
    }
    #expect(try place.contents("b/notes.txt") == Data("mine".utf8))
    #expect(try place.scanline("sample", "run", "--out", "c", "--seed", "4").status == 0)
    #expect(try place.contents("a/grid.png") != place.contents("c/grid.png"))
    let image = try Image.decode(contentsOf: place.file("a/0001.png"))
    #expect(image.width == 10 && image.height == 10 && image.channels == 1)
    #expect(image.pixels.allSatisfy { $0 == 0 || $0 == 255 })
  }

  @Test("the most probable image is the same by greed and by a beam of one")
  func mostProbable() throws {
    #expect(try place.scanline("sample", "run", "--greedy", "--out", "g").status == 0)
    #expect(try place.scanline("sample", "run", "--beam", "1", "--out", "b").status == 0)
    #expect(try place.names(in: "g") == ["0001.png", "grid.png"])
    #expect(try place.contents("g/0001.png") == place.contents("b/0001.png"))
    #expect(
      try place.scanline("sample", "run", "--beam", "4", "--count", "4", "--out", "w").status == 0)
    #expect(try place.names(in: "w").count == 5)
  }

  @Test("evaluate and score agree")
  func likelihood() throws {
    let object = try place.scanline("evaluate", "run", "mixed", "--json").object()
    #expect(
      try place.scanline("score", "run", "mixed", "--out", "s.csv", "--heatmaps", "h").status == 0)
    let scores = try columns("s.csv")
    #expect(
      Set(scores.keys) == [
        "path", "nats", "bits_per_dimension", "input_complexity", "normalised_surprise",
        "pit_distance", "png_bits", "level_distance", "gaussian_inside", "gaussian_residual",
        "mirrored", "upside_down", "entropy", "surprise_peak", "level_residual", "residual_right",
        "residual_below", "nats_columns_1", "nats_columns_2", "nats_columns_3", "nats_columns_4",
        "nats_rows_1", "nats_rows_2", "nats_rows_3", "nats_rows_4",
      ])
    let header = String(decoding: try place.contents("s.csv").prefix(29), as: UTF8.self)
    #expect(header == "path,nats,bits_per_dimension,")
    let nats = try #require(scores["nats"]).compactMap(Double.init)
    #expect(nats.count == 25 && object["images"] as? Int == 25)
    let mean = nats.reduce(0, +) / 25
    let deviation = (nats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 24).squareRoot()
    func number(_ key: String) throws -> Double { try #require(object[key] as? Double) }
    #expect(abs(try number("nats_per_image") - mean) < 1e-4 * mean)
    #expect(abs(try number("nats_standard_error") - deviation / 5) < 1e-3 * deviation)
    #expect(abs(try number("bits_per_dimension") - mean / 100 / log(2)) < 1e-6 * mean)
    #expect(
      abs(try number("bits_per_dimension_standard_error") - deviation / 500 / log(2))
        < 1e-5 * deviation)
    #expect(try number("images_per_second") > 0)
    let bits = try #require(scores["bits_per_dimension"]?.compactMap(Double.init))
    #expect(zip(bits, nats).allSatisfy { abs($0 - $1 / 100 / log(2)) < 1e-9 })
    #expect(try place.names(in: "h/bad") == (0..<5).map { "0\($0).png.png" })
  }

  @Test("the scores are what their definitions say")
  func scores() throws {
    #expect(
      try place.scanline("sample", "run", "--count", "400", "--out", "drawn", "--seed", "8").status
        == 0)
    try FileManager.default.removeItem(atPath: place.file("drawn/grid.png"))
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    #expect(try place.scanline("score", "run", "drawn", "--out", "s.csv").status == 0)
    let table = try columns("s.csv")
    func numbers(_ column: String) throws -> [Double] {
      try #require(table[column]).compactMap(Double.init)
    }
    // The model draws images that surprise it as much as it expects: Z is standard normal, here
    // within four standard errors.
    let z = try numbers("normalised_surprise")
    let mean = z.reduce(0, +) / 400
    let variance = z.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399
    #expect(abs(mean) < 0.2 && abs(variance - 1) < 0.3, "mean \(mean), variance \(variance)")

    let (nats, paths) = (try numbers("nats"), try #require(table["path"]))
    let (complexity, typicality) = (try numbers("input_complexity"), try numbers("typicality"))
    let normal = try calibratedNats()
    let typical = normal.reduce(0, +) / Double(normal.count)
    for i in 0..<20 {
      // Drawn images are black and white: the model sees them as they are.
      let image = try Image.decode(contentsOf: place.file("drawn/\(paths[i])"))
      let expected = nats[i] / log(2) - 8 * Double(image.optimisedPNGByteCount)
      #expect(abs(complexity[i] - expected) < 1e-6)
      #expect(abs(typicality[i] - abs(nats[i] - typical)) < 1e-9)
    }
  }

  @Test("flag finds the odd images at the false-alarm rate, and says where to look")
  func flag() throws {
    let calibrated = try place.scanline("calibrate", "run", "held-out", "--json").object()
    #expect(calibrated["images"] as? Int == 40)
    place.write(Data("no image".utf8), to: "mixed/broken.png")
    let object = try place.scanline(
      "flag", "run", "mixed", "--out", "report", "--json", "--fail-if-flagged"
    ).object()
    #expect(object["images"] as? Int == 25)
    #expect(object["unreadable"] as? Int == 1)
    #expect(object["false_alarm_rate"] as? Double == 0.05)
    #expect(object["report"] as? String == "report/report.html")
    #expect(
      try place.names(in: "report")
        == [
          "contact-sheet.png", "heatmaps", "report.html", "scores.csv", "scores.jsonl",
          "unreadable.csv",
        ])

    let scores = try columns("report/scores.csv")
    let (paths, flags) = (try #require(scores["path"]), try #require(scores["flagged"]))
    let pValues = try #require(scores["p_value"]).compactMap(Double.init)
    let header = String(decoding: try place.contents("report/scores.csv"), as: UTF8.self)
      .prefix { $0 != "\n" }
    #expect(header.hasSuffix(",verdict,p_value,flagged,parts"))
    for i in paths.indices {
      #expect(flags[i] == (pValues[i] <= 0.05 ? "true" : "false"))
      if paths[i].hasPrefix("bad/") {
        #expect(flags[i] == "true", "\(paths[i]) is not found")
        #expect(pValues[i] == 1 / 41.0 && scores["parts"]![i].contains(" high "))
      }
    }
    // By the likelihood alone, every p-value is its rank among the calibration.
    let alone = try place.scanline(
      "flag", "run", "mixed", "--out", "alone", "--score", "nats", "--json")
    #expect(alone.status == 0, "\(alone.error)")
    let byNats = try columns("alone/scores.csv")
    let normal = try calibratedNats()
    #expect(normal.count == 40 && normal == normal.sorted() && byNats["parts"] == nil)
    for (nats, p) in zip(try #require(byNats["nats"]), try #require(byNats["p_value"])) {
      let value = try #require(Double(nats))
      #expect(Double(p) == Double(1 + normal.filter { $0 >= value }.count) / 41)
    }
    try place.scanline("flag", "run", "mixed", "--out", "no", "--score", "cleverness")
      .expectFailure(naming: ["cleverness", "verdict", "nats"])
    try place.scanline("flag", "run", "mixed", "--out", "no", "--false-alarm-rate", "0.001")
      .expectFailure(naming: ["calibration.json", "at least 999", "found 40"])

    let flagged = zip(paths, flags).filter { $0.1 == "true" }.map(\.0)
    #expect(object["flagged"] as? Int == flagged.count)
    for path in flagged { #expect(place.exists("report/heatmaps/\(path).png")) }
    let lines = String(decoding: try place.contents("report/scores.jsonl"), as: UTF8.self)
    #expect(lines.split(separator: "\n").count == 25)
    let report = String(decoding: try place.contents("report/report.html"), as: UTF8.self)
    #expect(report.contains("broken.png") && report.contains("bad/00.png"))

    // The same by ranks of a folder named now; and exit status 0 unless asked otherwise.
    let direct = try place.scanline(
      "flag", "run", "mixed", "--out", "direct", "--calibration", "held-out")
    #expect(direct.status == 0)
    #expect(try place.contents("direct/scores.csv") == place.contents("report/scores.csv"))
    #expect(
      try place.scanline("flag", "run", "mixed", "--out", "report", "--fail-if-flagged").status == 3
    )
    #expect(
      try place.scanline(
        "flag", "run", "mixed/good", "--out", "good", "--fail-if-flagged", "--false-alarm-rate",
        "0.025"
      ).status == 0)
    try place.scanline("flag", "run", "mixed", "--out", "strict", "--strict")
      .expectFailure(naming: ["broken.png"])
    #expect(try place.names(in: "strict").isEmpty)
  }

  @Test("compare tells odd images from normal ones by every score")
  func compare() throws {
    let object = try place.scanline(
      "compare", "run", "--in", "held-out", "--out-of", "mixed/bad", "--out-of", "mixed/good",
      "--json"
    ).object()
    let pairs = try #require(object["pairs"] as? [[String: Any]])
    #expect(pairs.count == 2 * 23)
    for pair in pairs {
      for key in ["auroc", "auroc_low", "auroc_high", "aupr_in", "aupr_out", "fpr95", "fpr80"] {
        let value = try #require(pair[key] as? Double, "\(key) is missing")
        #expect((0...1).contains(value))
      }
    }
    func auroc(_ set: String, _ score: String) throws -> Double {
      let pair = pairs.first { $0["out_of"] as? String == set && $0["score"] as? String == score }
      return try #require(pair?["auroc"] as? Double)
    }
    #expect(try auroc("mixed/bad", "nats") == 1)
    #expect(abs(try auroc("mixed/good", "nats") - 0.5) < 0.3)
    // Odd on both sides.
    #expect(try auroc("mixed/bad", "normalised_surprise") > 0.9)
    // A calibrated run has the verdict, and one score more.
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    let outcome = try place.scanline("compare", "run", "--in", "held-out", "--out-of", "mixed/bad")
    #expect(outcome.out.contains("typicality") && outcome.out.contains("AUROC"))
    let first = outcome.out.split(separator: "\n")[1].split(separator: " ")
    #expect(first[1] == "verdict" && first[2] == "1.000")
  }

  @Test("compare averages runs and draws them")
  func compareRuns() throws {
    let words = [
      "compare", "run", "--also", "run", "--in", "held-out", "--out-of", "mixed/bad", "--out-of",
      "mixed/good", "--plots", "plots",
    ]
    let object = try place.scanline(words + ["--json"]).object()
    let pairs = try #require(object["pairs"] as? [[String: Any]])
    #expect(pairs.count == 2 * 2 * 23 && pairs.allSatisfy { $0["run"] as? String == "run" })
    let means = try #require(object["means"] as? [[String: Any]])
    #expect(means.count == 2 * 23)
    for mean in means {
      let pair = try #require(
        pairs.first { pair in
          ["out_of", "score"].allSatisfy { pair[$0] as? String == mean[$0] as? String }
        })
      #expect(mean["runs"] as? Int == 2 && mean["auroc_deviation"] as? Double == 0)
      #expect(mean["auroc"] as? Double == pair["auroc"] as? Double)
    }
    for (name, words) in [
      ("roc.svg", ["mixed/bad: AUROC 1.000, mean of 2 runs", "mixed/good"]),
      ("scores.svg", ["mixed/bad, 5", "first of 2 runs"]),
    ] {
      let drawing = String(decoding: try place.contents("plots/\(name)"), as: UTF8.self)
      for word in words { #expect(drawing.contains(word), "\(name) lacks \(word)") }
    }
    let text = try place.scanline(words)
    #expect(text.out.hasPrefix("means of 2 runs ± their standard deviation\nout of"))
    #expect(text.out.contains("1.000 ± 0.000"))
    // What scanline did not write stays, and is told of before anything is scored.
    place.write(Data("mine".utf8), to: "mine/roc.svg")
    try place.scanline(
      "compare", "run", "--in", "held-out", "--out-of", "mixed/bad", "--plots", "mine"
    ).expectFailure(naming: ["mine/roc.svg"])
    #expect(try place.contents("mine/roc.svg") == Data("mine".utf8))
    try place.scanline("compare", "run", "--also", "none", "--in", "held-out", "--out-of", "mixed")
      .expectFailure(naming: ["none"])
  }

  @Test("compare's table names each set by as much of its path as tells it from the others")
  func shortNames() throws {
    try place.makeImages("other/bad", 3, odd: true)
    let sets = ["mixed/good/", "mixed/bad", place.file("other/bad"), "normal"]
    let arguments = ["compare", "run", "--in", "held-out"] + sets.flatMap { ["--out-of", $0] }
    let rows = try place.scanline(arguments).out.split(separator: "\n").dropFirst()
    let names = rows.map { String($0.prefix { $0 != " " }) }
    #expect(names.filter { $0 == names[0] }.count * 4 == names.count)
    #expect(Set(names) == ["good", "mixed/bad", "other/bad", "normal"])
    let pairs = try place.scanline(arguments + ["--json"]).object()["pairs"] as? [[String: Any]]
    #expect(Set(try #require(pairs).compactMap { $0["out_of"] as? String }) == Set(sets))
  }

  @Test("info says what the run is, calibrated or not")
  func info() throws {
    let object = try place.scanline("info", "run", "--json").object()
    #expect(object["model"] as? String == "nade")
    #expect(object["epochs"] as? Int == 30)
    #expect((object["settings"] as? [String: String])?["hidden"] == "8")
    #expect((object["image"] as? [String: Int]) == ["height": 10, "width": 10, "channels": 1])
    // w, c, v, b of eight hidden units over a hundred sub-pixels.
    #expect(object["parameters"] as? Int == 100 * 8 + 8 + 100 * 8 + 100)
    #expect(object["calibration"] == nil)
    #expect(try place.scanline("calibrate", "run", "held-out").status == 0)
    let after = try place.scanline("info", "run", "--json").object()
    #expect((after["calibration"] as? [String: Any])?["images"] as? Int == 40)
    #expect(try place.scanline("info", "run").out.contains("40 images"))
  }

  @Test("with --classes, images are counted by class, and those of none are left out")
  func classes() throws {
    try place.makeImages("kinds/upright", 12)
    try place.makeImages("kinds/noisyOnes", 10, odd: true)
    try place.write(place.contents("normal/00.png"), to: "kinds/loose.png")
    let train = [
      "train", "kinds", "--run", "classes", "--model", "fvsbn", "--validation", "kinds",
      "--binarize", "threshold", "--epochs", "1", "--classes",
    ]
    let trained = try place.scanline(train)
    #expect(trained.status == 0)
    #expect(trained.error.contains("in 2 classes") && trained.error.contains("kinds/loose.png"))
    let data = try place.scanline("info", "classes", "--json").object()["data"] as? [String: Any]
    let expected = ["upright": 12, "noisyOnes": 10]
    #expect(data?["training_images_by_class"] as? [String: Int] == expected)
    #expect(
      try place.scanline("info", "classes").out.contains("22 images: noisyOnes 10, upright 12"))
    // The run goes on with the same images, whether or not the flag is given again.
    for arguments in [train, train.dropLast()] {
      #expect(try place.scanline(arguments + ["--resume", "--quiet"]).status == 0)
    }
    try place.scanline("train", "normal", "--run", "run", "--resume", "--classes")
      .expectFailure(naming: ["run", "--classes"])
  }

  @Test("a moved run is the same run")
  func moved() throws {
    let before = try place.scanline("evaluate", "run", "mixed", "--json").object()
    try FileManager.default.moveItem(atPath: place.file("run"), toPath: place.file("elsewhere"))
    let after = try place.scanline("evaluate", "elsewhere/", "mixed", "--json").object()
    #expect(before["nats_per_image"] as? Double == after["nats_per_image"] as? Double)
  }

  @Test("images of another size and colour are brought to the run's")
  func fitted() throws {
    let pixels = (0..<20 * 30 * 3).map { UInt8($0 % 251) }
    try FileManager.default.createDirectory(
      atPath: place.file("other"), withIntermediateDirectories: true)
    try Image(height: 20, width: 30, channels: 3, pixels: pixels)
      .writePNG(to: place.file("other/wide.png"))
    let outcome = try place.scanline("evaluate", "run", "other", "--json")
    // One image has no standard error.
    #expect(try outcome.object()["nats_standard_error"] is NSNull)
  }
}
