import Files
import Foundation
import Images
import Jobs
import Randomness
import TestSupport
import Testing
import Training

/// New images and comparisons by one call of the library.
@Suite struct JobsTests {
  let folder = TemporaryFolder()

  /// A run of noise that is dark, and folders of such and of bright noise.
  init() throws {
    for (name, level) in [("dark", 40), ("held", 40), ("bright", 200)] {
      folder.makeFolder(name)
      for index in 0..<12 {
        var random = RandomStream(seed: 1, name, index)
        let pixels = (0..<36).map { _ in UInt8(level + random.integer(below: 50)) }
        try Image(height: 6, width: 6, channels: 1, pixels: pixels)
          .writePNG(to: folder.file("\(name)/\(index).png"))
      }
    }
    var request = TrainingRequest(data: folder.file("dark"), run: folder.file("run"))
    request.model = "fvsbn"
    request.levels = 4
    request.learningRate = 0.1
    request.epochs = 30
    _ = try TrainingJob(request).run()
  }

  @Test func imagesAreDrawnToAFolder() throws {
    let trained = try TrainedModel(run: folder.file("run"))
    var job = DrawingJob(trained, count: 5)
    job.seed = 3
    var most = 0.0
    let outcome = try job.run(to: folder.file("new")) { done in
      most = max(most, done)
      return true
    }
    #expect(outcome.images == 5 && outcome.grid == folder.file("new/grid.png"))
    #expect(most > 0 && most <= 5)
    let first = try Image.decode(contentsOf: folder.file("new/0001.png"))
    #expect(first.width == 6 && first.height == 6)
    // The same image whatever the count.
    var other = DrawingJob(trained, count: 1)
    other.seed = 3
    _ = try other.run(to: folder.file("one"))
    #expect(try bytes(of: folder.file("one/0001.png")) == bytes(of: folder.file("new/0001.png")))

    let stopped = try job.run(to: folder.file("none")) { _ in false }
    #expect(stopped.images == 0 && stopped.grid == nil)
    #expect(!FileManager.default.fileExists(atPath: folder.file("none")))

    job.method = .beam(width: 6)
    #expect(try job.run(to: folder.file("beam")).images == 5)
  }

  @Test func likelihoodsAreMeasured() throws {
    let trained = try TrainedModel(run: folder.file("run"))
    let job = EvaluationJob(trained, data: folder.file("held"))
    let outcome = try #require(try job.run())
    #expect(outcome.likelihood.nats.count == 12 && outcome.pngBitsPerDimension == nil)
    #expect(outcome.reading.unreadable.isEmpty)
    let bright = try #require(try EvaluationJob(trained, data: folder.file("bright")).run())
    #expect(bright.likelihood.natsPerImage > outcome.likelihood.natsPerImage)
    // Stopped while it reads.
    #expect(try job.run { _ in false } == nil)
  }

  @Test func calibrationsAreMade() throws {
    let trained = try TrainedModel(run: folder.file("run"))
    var counts: [Int] = []
    var job = CalibrationJob(trained, data: folder.file("held"))
    let outcome = try #require(try job.run(check: { counts.append($0) }))
    #expect(counts == [12])
    #expect(outcome.calibration.count == 12 && outcome.calibration.heldOut == true)
    let stopped = try job.run { if case .scoring = $0 { false } else { true } }
    #expect(stopped == nil)
    // What it was trained on is no held-out set.
    job.data = folder.file("dark")
    let error = #expect(throws: FileError.self) { try job.run() }
    #expect(error?.problem.contains("not trained on") == true, "\(String(describing: error))")
  }

  @Test func setsAreCompared() throws {
    let trained = try TrainedModel(run: folder.file("run"))
    var job = ComparisonJob(
      trained, normal: folder.file("held"), others: [folder.file("bright"), folder.file("held")])
    var scored: [String] = []
    let outcome = try #require(
      try job.run { event in
        if case .scoring(let path, let done, let total) = event, done == total {
          scored.append(path)
        }
        return true
      })
    #expect(scored == ["held", "bright", "held"].map(folder.file))
    let pair = try #require(
      outcome.comparison.pairs.first { $0.score == "nats" && $0.outOf == folder.file("bright") })
    #expect(pair.metrics.auroc == 1 && pair.low.auroc <= 1 && pair.normal.count == 12)
    #expect(pair.normal.max()! < pair.odd.min()!)
    let same = try #require(
      outcome.comparison.pairs.first { $0.score == "nats" && $0.outOf == folder.file("held") })
    #expect(same.metrics.auroc == 0.5)
    #expect(outcome.maps.isEmpty && outcome.reading.unreadable.isEmpty)

    #expect(try job.run { event in if case .scoring = event { false } else { true } } == nil)
    job.boxes = folder.file("boxes")
    let error = #expect(throws: OptionError.self) { try job.run() }
    #expect(error?.option == "--boxes")
    // Images that it was trained on are told of.
    job = ComparisonJob(trained, normal: folder.file("dark"), others: [folder.file("bright")])
    var seen: [SeenRemark] = []
    _ = try job.run { event in
      if case .seen(let remark) = event { seen.append(remark) }
      return true
    }
    #expect(seen.contains { $0.use == .trained && $0.seen > 0 && $0.images == 12 })
  }
}
