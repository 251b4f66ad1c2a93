import Foundation
import Images
import TestSupport
import Testing

/// What scores rest on, and that one image never costs the others.
@Suite(.enabled(if: Command.path != nil, Command.missing)) struct Scoring {
  let place: Workplace

  init() throws { place = try Workplace.trained() }

  private func column(_ name: String, of file: String) throws -> [String] {
    let lines = String(decoding: try place.contents(file), as: UTF8.self).split(separator: "\n")
    let rows = lines.map { $0.split(separator: ",").map(String.init) }
    let index = try #require(rows[0].firstIndex(of: name))
    return rows.dropFirst().map { $0[index] }
  }

  @Test("copies of an image score the same wherever they lie")
  func copies() throws {
    let grey = Image(
      height: 10, width: 10, channels: 1, pixels: (0..<100).map { UInt8($0 * 2 + 20) })
    place.folder.makeFolder("copies")
    try place.makeImages("copies/between", 5)
    for name in ["a", "b", "between/00x", "between/03x", "y", "z"] {
      try grey.writePNG(to: place.file("copies/\(name).png"))
    }
    let trained = try place.scanline(
      "train", "normal", "--run", "stochastic", "--model", "fvsbn", "--binarize", "stochastic",
      "--epochs", "1", "--quiet")
    #expect(trained.status == 0, "\(trained.error)")
    #expect(try place.scanline("score", "stochastic", "copies", "--out", "s.csv").status == 0)
    for score in ["nats", "normalised_surprise", "pit_distance"] {
      let values = zip(try column("path", of: "s.csv"), try column(score, of: "s.csv"))
      let copies = values.filter { $0.0.count != "between/00.png".count }.map(\.1)
      #expect(copies.count == 6 && Set(copies).count == 1, "\(score): \(copies)")
    }
  }

  @Test("an image with a long name, or with that of a folder and .png, does not cost the report")
  func awkwardNames() throws {
    let odd = try place.contents("mixed/bad/00.png")
    place.folder.makeFolder("awkward/a.png.png")
    let long = String(repeating: "n", count: 248) + ".png"
    for name in [long, "a.png", "a.png.png/b.png"] { place.write(odd, to: "awkward/\(name)") }
    let object = try place.scanline(
      "flag", "run", "awkward", "--out", "out", "--calibration", "held-out", "--json"
    ).object()
    #expect(object["flagged"] as? Int == 3)
    #expect(object["heat_maps"] as? Int == 3 && object["missing_heat_maps"] as? Int == 0)
    #expect(place.exists("out/report.html"))
    #expect(
      try place.scanline("score", "run", "awkward", "--out", "s", "--heatmaps", "h").status == 0)
  }

  @Test("what stands where heat maps go is refused before anything is scored")
  func blockedHeatMaps() throws {
    place.write(Data(), to: "out/heatmaps")
    try place.scanline(
      "flag", "run", "mixed", "--out", "out", "--calibration", "held-out", "--quiet"
    ).expectFailure(naming: ["out/heatmaps", "--overwrite"])
    #expect(!place.exists("out/report.html"))
  }

  @Test("the report leads to each flagged image")
  func links() throws {
    let outcome = try place.scanline(
      "flag", "run", "mixed", "--out", "deep/er/out", "--calibration", "held-out", "--heatmaps",
      "none")
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(!place.exists("deep/er/out/heatmaps"))
    let page = String(decoding: try place.contents("deep/er/out/report.html"), as: UTF8.self)
    let links = page.matches(of: /"(\.\.\/[^"]*\.png)"/).map { String($0.1) }
    #expect(links.count >= 5)
    for link in links { #expect(place.exists("deep/er/out/\(link)"), "\(link)") }
  }

  @Test("weights beyond all measure are a failure, not an infinity")
  func hugeWeights() throws {
    var weights = [UInt8](try place.contents("run/weights.safetensors"))
    let header = (0..<8).reduce(0) { $0 | Int(weights[$1]) << (8 * $1) }
    for at in stride(from: 8 + header, to: weights.count, by: 4) {
      let huge = Float(1e38).bitPattern
      for byte in 0..<4 { weights[at + byte] = UInt8(truncatingIfNeeded: huge >> (8 * byte)) }
    }
    place.write(Data(weights), to: "run/weights.safetensors")
    for arguments in [
      ["evaluate", "run", "mixed"], ["score", "run", "mixed", "--out", "s.csv"],
      ["calibrate", "run", "held-out"], ["compare", "run", "--in", "mixed", "--out-of", "normal"],
      ["flag", "run", "mixed", "--out", "out", "--calibration", "held-out"],
    ] { try place.scanline(arguments + ["--json", "--quiet"]).expectFailure(naming: ["weights"]) }
    #expect(!place.exists("s.csv") && !place.exists("out/report.html"))
  }
}
