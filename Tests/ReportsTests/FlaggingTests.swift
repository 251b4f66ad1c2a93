import Detection
import Files
import Foundation
import Images
import Layers
import Models
import Randomness
import Reports
import RunFiles
import Synchronization
import Tensors
import TestSupport
import Testing
import Training

/// The reference, counting the images that models are given.
private final class Counting: PlainBackend {
  let name = "counting"
  private let seen = Mutex(0)
  /// Sub-pixels.
  var count: Int { seen.withLock { $0 } }

  func intensities(_ symbols: [UInt8], scale: Double, offset: Double, into y: Tensor) {
    seen.withLock { $0 += symbols.count }
    ReferenceBackend().intensities(symbols, scale: scale, offset: offset, into: y)
  }

  func intensities(
    _ symbols: [UInt8], stride: Int, column: Int, scale: Double, offset: Double,
    into y: SideBySide, elements: Range<Int>
  ) {
    seen.withLock { $0 += y.images * elements.count }
    ReferenceBackend().intensities(
      symbols, stride: stride, column: column, scale: scale, offset: offset, into: y,
      elements: elements)
  }
}

@Suite struct FlaggingTests {
  let folder = TemporaryFolder()

  /// A run of a model that was never trained: every image is as likely as another, so that the
  /// calibration alone says which are odd.
  private func untrained(_ backend: any Backend = ReferenceBackend()) throws -> TrainedModel {
    let path = folder.file("run")
    if !FileManager.default.fileExists(atPath: path) {
      let images = data(["a"])
      let model = try ModelSpecification(
        name: "fvsbn", head: .bernoulli, image: ImageShape(height: 2, width: 2, channels: 1))
      let configuration = RunConfiguration(
        model: model, pixels: .threshold,
        data: DataDescription(path: "", training: images, validationPath: nil, validation: nil),
        training: TrainingOptions(duration: .epochs(1), batch: 1, learningRate: 1e-3), seed: 1)
      let run = try RunFolder.create(at: path, configuration: configuration)
      let store = ParameterStore(seed: 1)
      _ = try model.build(in: store)
      try TensorFile.write(
        store.parameters.map { parameter in
          TensorSource(parameter.name, type: .float32, shape: parameter.value.shape.sides) {
            try parameter.value.withBytes($0)
          }
        }, metadata: [:], to: run.weightsFile)
    }
    return try TrainedModel(run: path, backend: backend)
  }

  private func data(_ names: [String]) -> DataSet {
    let pixels = names.indices.flatMap { index in
      (0..<4).map { UInt8(index >> $0 & 1) * 255 }
    }
    return DataSet(height: 2, width: 2, channels: 1, pixels: pixels, names: names)
  }

  private func flagging(_ trained: TrainedModel, flagsAll: Bool = true) throws -> Flagging {
    let normal = [Double](repeating: flagsAll ? 0 : 1e6, count: 50)
    let calibration = try Calibration(scores: ["nats": normal], data: "none")
    return Flagging(
      scorer: try Scorer(trained, calibration: calibration), calibration: calibration,
      falseAlarmRate: 0.05)
  }

  private func heatMaps() throws -> [String] {
    let path = folder.file("out/heatmaps")
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    return try FileManager.default.subpathsOfDirectory(atPath: path)
      .filter { $0.hasSuffix(".png") }
      .filter { name in
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
        return !isFolder.boolValue
      }.sorted()
  }

  @Test func eachImageIsComputedOnce() throws {
    let counting = Counting()
    let images = data((0..<90).map { "\($0).png" })
    var flagging = try flagging(untrained(counting))
    flagging.heatMaps = .all
    let summary = try #require(try flagging.write(images, named: "images", to: folder.file("out")))
    #expect(summary.flagged == 90 && summary.heatMaps == 90 && summary.missingHeatMaps == 0)
    #expect(counting.count == 90 * 4)
    #expect(try heatMaps().count == 90)
  }

  @Test(arguments: Flagging.HeatMaps.allCases)
  func heatMapsAreThoseAskedFor(which: Flagging.HeatMaps) throws {
    let names = (0..<230).map { "\($0).png" }
    var flagging = try flagging(untrained())
    flagging.heatMaps = which
    let summary = try #require(
      try flagging.write(data(names), named: "images", to: folder.file("out")))
    let expected = [.none: 0, .shown: 200, .all: 230][which]!
    #expect(summary.flagged == 230 && summary.heatMaps == expected)
    #expect(try heatMaps().count == expected)
    // Those that waited in a file are the ones that would have come from memory.
    if which == .all {
      let (first, last) = ("0.png", "208.png")
      #expect(Set(try heatMaps()) == Set(names.map { $0 + ".png" }))
      let same = [first, last].map { folder.file("out/heatmaps/\($0).png") }
      let pictures = try same.map { try Image.decode(contentsOf: $0) }
      // Images 0 and 208 differ in nothing: 208 = 13 · 16.
      #expect(pictures[0] == pictures[1])
    }
    let page = try String(contentsOfFile: folder.file("out/report.html"), encoding: .utf8)
    #expect(page.contains("The first 200 of 230 are shown."))
  }

  @Test func theReportIsThereBeforeHeatMapsAre() throws {
    let flagging = try flagging(untrained())
    var hadReport = false
    let summary = try flagging.write(
      data(["a.png", "b.png", "c.png"]), named: "images", to: folder.file("out")
    ) { stage, done, total in
      guard stage == .writingHeatMaps else { return true }
      hadReport = FileManager.default.fileExists(atPath: folder.file("out/report.html"))
      return done < 1
    }
    #expect(hadReport)
    #expect(summary?.heatMaps == 3 && summary?.missingHeatMaps == 2 && summary?.reason == nil)
  }

  @Test func aHeatMapNeverCostsTheReport() throws {
    folder.write([0], to: "out/heatmaps")  // No folder can be made of that name.
    let summary = try flagging(untrained()).write(
      data(["a.png", "b.png"]), named: "images", to: folder.file("out"))
    #expect(summary?.missingHeatMaps == 2 && summary?.flagged == 2)
    #expect(try #require(summary?.reason).contains("heatmaps"))
    #expect(FileManager.default.fileExists(atPath: folder.file("out/report.html")))
  }

  @Test func namesThatFileSystemsDoNotTake() throws {
    let long = String(repeating: "x", count: 251) + ".png"
    let names = [long, "a.png", "a.png.png/b.png"]
    let summary = try flagging(untrained()).write(
      data(names), named: "images", to: folder.file("out"))
    #expect(summary?.heatMaps == 3 && summary?.missingHeatMaps == 0)
    #expect(try heatMaps().count == 3)
  }

  @Test func linksLeadToTheImages() throws {
    let names = ["a b%.png", "sub/#c.png", "missing.png"]
    for name in names.dropLast() { folder.write([0], to: "in/\(name)") }
    var flagging = try flagging(untrained())
    flagging.originals = folder.file("in")
    _ = try flagging.write(data(names), named: "in", to: folder.file("out"))
    let page = try String(contentsOfFile: folder.file("out/report.html"), encoding: .utf8)
    let links = page.matches(of: /href="([^"]*)"/).map { String($0.1) }
    #expect(links.sorted() == ["../in/a%20b%25.png", "../in/sub/%23c.png"])
  }

  @Test func nothingIsFlaggedOfTheOrdinary() throws {
    let summary = try flagging(untrained(), flagsAll: false).write(
      data(["a.png"]), named: "images", to: folder.file("out"))
    #expect(summary?.flagged == 0 && summary?.heatMaps == 0)
    #expect(try heatMaps().isEmpty)
  }
}
