import Generation
import Heads
import Images
import Training

extension Sample {
  /// Hands over the images group by group, until all are drawn or the work is stopped.
  func draw(
    from trained: TrainedModel, _ interruption: Interruption, each: (PixelBatch) throws -> Void
  ) throws {
    let line = ProgressLine(common.console)
    defer { line.clear() }
    let dimension = trained.model.image.dimension
    if let beam {
      let found = try BeamSearch(trained.model, in: trained.context, width: beam).run { done in
        line.update("searching", Double(done), of: dimension, "sub-pixels")
        return !interruption.isRequested
      }
      guard let found else { return }
      guard found.images.count >= imageCount else {
        throw CommandError("--count: there are only \(found.images.count) images of this size")
      }
      try each(found.images)
      return
    }
    let sampler = Sampler(
      trained.model, in: trained.context,
      options: SamplingOptions(
        temperature: temperature, topK: topK, topP: topP, greedy: greedy),
      seed: common.seed)
    for first in stride(from: 0, to: imageCount, by: sampler.imagesAtOnce) {
      let images = first..<min(first + sampler.imagesAtOnce, imageCount)
      let group = try sampler.draw(images) { done in
        line.update(
          "drawing", Double(first) + Double(done) / Double(dimension), of: imageCount, "images")
        return !interruption.isRequested
      }
      guard let group else { return }
      try each(group)
    }
  }

  /// `0001.png`
  func name(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".png"
  }

  /// What `--json` prints.
  struct Result: Encodable {
    let run: String
    let images: Int
    let out: String
    let grid: String
    let seconds: Double
    let imagesPerSecond: Double
  }
}
