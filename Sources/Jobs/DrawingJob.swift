import Files
import Generation
import Heads
import Images
import Reports
import Training

/// New images by a trained model in a folder: `0001.png`, `0002.png` … and `grid.png`, which shows the
/// first 400.
///
/// ```swift
/// let job = DrawingJob(try TrainedModel(run: "runs/photos"), count: 16)
/// let outcome = try job.run(to: "samples") { done in done < 8 }  // false stops
/// ```
public struct DrawingJob {
  public enum Method: Sendable {
    /// Draws; image i of a seed is the same whatever the count.
    case draws(SamplingOptions)
    /// The most probable that beam search of this width finds, `count` at least.
    case beam(width: Int)
  }

  /// Of which classes, by a run that was told them.
  public enum Classes: Sendable, Equatable {
    /// As often as they occur.
    case any
    /// One, by its name.
    case one(String)
    /// So many images of each in turn, `count` in all.
    case each(Int)
  }

  /// What came of it.
  public struct Outcome: Sendable {
    /// Images written; fewer than were asked for where it was stopped.
    public let images: Int
    /// Nil where there are none.
    public let grid: String?
    public let seconds: Double
    /// log p of each image that beam search found, nats, the most probable first; nil of draws.
    public let logProbabilities: [Double]?
  }

  public let trained: TrainedModel
  public let count: Int
  public var method = Method.draws(SamplingOptions())
  public var classes = Classes.any
  public var seed: UInt64 = 0
  /// In which pixels are drawn: one of the orders that the run was trained in.
  public var order = Order.raster
  /// Whether files that scanline did not write may be replaced.
  public var overwrites = false

  /// Images that the grid shows at most.
  public static let mostInGrid = 400

  public init(_ trained: TrainedModel, count: Int) {
    precondition(count > 0, "there is nothing to draw: \(count) images")
    self.trained = trained
    self.count = count
  }

  /// Draws them and writes each group as it is drawn.
  /// - Parameter progress: called with the images done, parts of one among them, 0 … `count`; answers
  ///   whether to go on.
  /// - Throws: `OptionError` for a class that the run does not have and where there are not so many images
  ///   of the run's size, `GenerationError`
  ///   where the model's probabilities are not numbers, `FileError` where one cannot be written.
  public func run(to path: String, progress: @escaping (_ images: Double) -> Bool = { _ in true })
    throws
    -> Outcome
  {
    let folder = try OutputFolder(path, overwrite: overwrites)
    try folder.requireFree((1...count).lazy.map(name) + ["grid.png"])
    let start = ContinuousClock.now
    let label = try label()
    var tiles: [Image] = []
    var written = 0
    let logs = try draw(label, progress) { batch in
      for index in 0..<min(batch.count, count - written) {
        let image = trained.configuration.pixels.image(from: batch, at: index)
        written += 1
        try image.writePNG(to: folder.file(name(written)))
        if tiles.count < Self.mostInGrid { tiles.append(image) }
      }
    }
    var sheet: String?
    if !tiles.isEmpty {
      sheet = try folder.file("grid.png")
      let columns: Int? = if case .each(let count) = classes { count } else { nil }
      try grid(of: tiles, columns: columns).writePNG(to: sheet!)
    }
    return Outcome(
      images: written, grid: sheet,
      seconds: (ContinuousClock.now - start) / .seconds(1),
      logProbabilities: logs.map { Array($0.prefix(written)) })
  }

  /// `0001.png`
  private func name(_ number: Int) -> String { padded(number, to: 4) + ".png" }

  /// The class of image k; nil where none is told.
  private func label() throws -> ((Int) -> Int)? {
    switch classes {
    case .each(let count):
      guard let names = trained.configuration.classNames else {
        throw OptionError(
          "classes", expected: "a run that was trained with --classes", found: trained.run.path)
      }
      return { $0 / count % names.count }
    case .one(let name):
      let label = try trained.label(ofClass: name)
      return { _ in label }
    case .any:
      // The most probable of all is that of no class.
      if case .draws(let options) = method, !options.greedy, let mixture = trained.mixture {
        return { [seed] in mixture.drawnClass(of: $0, seed: seed) }
      }
      return nil
    }
  }

  /// Hands over the images group by group, until all are drawn or the work is stopped.
  /// - Returns: their log-probabilities, where they were searched for.
  private func draw(
    _ label: ((Int) -> Int)?, _ progress: @escaping (Double) -> Bool,
    each: (PixelBatch) throws -> Void
  ) throws -> [Double]? {
    let dimension = Double(trained.model.image.dimension)
    let model = trained.model.told(in: order)
    switch method {
    case .beam(let width):
      let search = BeamSearch(
        model, in: trained.context, width: width, label: label?(0))
      let found = try search.run { done in
        progress(Double(count) * Double(done) / dimension)
      }
      guard let found else { return nil }
      guard found.images.count >= count else {
        throw OptionError(
          "--count",
          expected: "at most \(found.images.count), as many images as there are of this"
            + " size", found: "\(count)")
      }
      try each(told(found.images))
      return found.logProbabilities
    case .draws(let options):
      let sampler = Sampler(
        model, in: trained.context, options: options, seed: seed, label: label)
      for first in stride(from: 0, to: count, by: sampler.imagesAtOnce) {
        let images = first..<min(first + sampler.imagesAtOnce, count)
        let group = try sampler.draw(images) { done in
          progress(Double(first) + Double(done) / dimension)
        }
        guard let group else { return nil }
        try each(told(group))
      }
      return nil
    }
  }

  /// Images whose pixels have been drawn in order, as they are to be seen.
  private func told(_ drawn: PixelBatch) -> PixelBatch {
    PixelBatch(
      count: drawn.count, height: drawn.height, width: drawn.width, channels: drawn.channels,
      levels: drawn.levels, symbols: drawn.symbols, labels: drawn.labels, order: order
    ).reordered(as: .raster)
  }
}
