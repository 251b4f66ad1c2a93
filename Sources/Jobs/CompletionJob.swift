import Files
import Generation
import Images
import Reports
import Training

/// Images with a hole, completed by a trained model, in a folder: `0001-1.png`, the first completion of the
/// first image, and so on, and `sheet.png`, a row an image: the original, the hole, completions.
///
/// ```swift
/// let trained = try TrainedModel(run: "runs/digits")
/// let images = try trained.images(at: "halves")!
/// let job = try CompletionJob(trained, images, hole: .belowRows(14))
/// let outcome = try job.run(to: "completed")
/// ```
public struct CompletionJob {
  /// Where images are to be completed.
  public enum HoleShape: Sendable, Equatable {
    /// All but so many first rows.
    case belowRows(Int)
    /// Where a picture of the images' size is white.
    case mask(String)
  }

  /// What came of one image.
  public struct Completed: Sendable, Encodable {
    /// The image, as its data set names it.
    public let image: String
    /// The completions, in the folder.
    public let files: [String]
    public let method: Completion.Method
    /// Of the particles of a completion; nil where it is exact.
    public let effectiveParticles: Double?
    /// First particles that have a descendant at the end of what is seen.
    public let linesOfDescent: Double?
    /// −log p of the hole as the image has it, nats, where that was asked for: given all that is seen (by
    /// particles an estimate, too low in the mean); of what is drawn with so many particles; and given what
    /// comes before alone.
    public let holeNatsGiven: Double?
    public let holeNatsDrawn: Double?
    public let holeNatsNaive: Double?
  }

  public struct Outcome: Sendable {
    /// Fewer than there are where it was stopped.
    public let completed: [Completed]
    /// Nil where there are none.
    public let sheet: String?
    public let seconds: Double
  }

  public let trained: TrainedModel
  public let images: DataSet
  public let hole: Hole
  /// Completions an image; none where only the hole's probability is wanted.
  public var count = 8
  public var particles = 64
  /// Whether to tell how probable the hole is as the image has it.
  public var tellsHole = false
  /// The class of the images, by name, of a run of classes; nil: unknown.
  public var className: String?
  public var seed: UInt64 = 0
  /// Whether files that scanline did not write may be replaced.
  public var overwrites = false
  /// Where the images are, which are never written to.
  public var inputs: [String] = []

  /// - Parameter images: as the run wants them, `TrainedModel.images(at:)`.
  /// - Throws: `OptionError` for a hole that the run's images cannot have, `FileError` for a mask that
  ///   cannot be read or is of another size.
  public init(_ trained: TrainedModel, _ images: DataSet, hole shape: HoleShape) throws {
    (self.trained, self.images) = (trained, images)
    let image = trained.configuration.model.image
    switch shape {
    case .belowRows(let rows):
      try OptionError.require("--keep-rows", rows, "0 ... \(image.height - 1)") {
        (0..<image.height).contains($0)
      }
      hole = Hole(
        belowRows: rows, height: image.height, width: image.width, channels: image.channels)
    case .mask(let path):
      let mask = try DataSet.load(path, options: LoadingOptions(channels: 1))
      guard mask.count == 1, mask.width == image.width, mask.height == image.height else {
        throw FileError(
          path, expected: "one picture of \(image.width)x\(image.height), as the run's images",
          found: "\(mask.count) of \(mask.width)x\(mask.height)")
      }
      let hidden = mask.pixels.map { $0 >= 128 }
      guard hidden.contains(true) else {
        throw FileError(path, expected: "white where images are to be completed", found: "none")
      }
      hole = Hole(pixels: hidden, channels: image.channels)
    }
  }

  /// Completes one image after the other and writes each as it is done.
  /// - Parameter progress: called with the images done, parts of one among them; answers whether to go on.
  /// - Throws: `OptionError` for a class that the run does not have, `GenerationError` where the model's
  ///   probabilities are not numbers, `FileError` where one cannot be written.
  public func run(to path: String, progress: @escaping (_ images: Double) -> Bool = { _ in true })
    throws -> Outcome
  {
    let completion = Completion(
      trained.model, in: trained.context, particles: particles, seed: seed,
      label: try className.map { try trained.label(ofClass: $0) })
    let folder = try OutputFolder(path, inputs: inputs, overwrite: overwrites)
    try folder.requireFree(
      (0..<images.count).lazy.flatMap { image in (0..<count).map { name(image, $0) } }
        + ["sheet.png"])
    let start = ContinuousClock.now
    var completed: [Completed] = []
    var tiles: [Image] = []
    for index in 0..<images.count {
      let batch = trained.batch(of: images, CollectionOfOne(index))
      var found: Completion.Outcome?
      let share = tellsHole ? 0.5 : 1
      if count > 0 {
        found = try completion.complete(batch.symbols, hole, count: count) {
          progress(Double(index) + share * $0)
        }
        if found == nil { break }
      }
      var probability: Completion.HoleProbability?
      if tellsHole {
        probability = try completion.holeProbability(of: batch.symbols, hole) {
          progress(Double(index) + 1 - share * (1 - $0))
        }
        if probability == nil { break }
      }
      let pictures = found.map { found in
        (0..<count).map { trained.configuration.pixels.image(from: found.images, at: $0) }
      }
      for (k, picture) in (pictures ?? []).enumerated() {
        try picture.writePNG(to: folder.file(name(index, k)))
      }
      if tiles.count + count + 2 <= Self.mostTiles, let pictures {
        let original = trained.configuration.pixels.image(from: batch, at: 0)
        tiles += [original, original.hidden(by: hole)] + pictures
      }
      completed.append(
        Completed(
          image: images.names[index], files: (0..<count).map { name(index, $0) },
          method: completion.method(of: hole), effectiveParticles: found?.effective,
          linesOfDescent: found?.lines, holeNatsGiven: probability.map { -$0.given },
          holeNatsDrawn: probability.map { -$0.drawn }, holeNatsNaive: probability.map { -$0.naive }
        ))
      guard progress(Double(index + 1)) else { break }
    }
    var sheet: String?
    if !tiles.isEmpty {
      sheet = try folder.file("sheet.png")
      try grid(of: tiles, columns: count + 2).writePNG(to: sheet!)
    }
    return Outcome(
      completed: completed, sheet: sheet, seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  private static let mostTiles = 400

  /// `0001-1.png`
  private func name(_ image: Int, _ completion: Int) -> String {
    "\(padded(image + 1, to: 4))-\(completion + 1).png"
  }
}

extension Completion.Method: Encodable {}

extension Image {
  /// The image in colour, its hole in orange.
  fileprivate func hidden(by hole: Hole) -> Image {
    var shown = converted(toChannels: 3)
    for pixel in 0..<height * width where hole.isHidden[pixel * channels] {
      shown.pixels.replaceSubrange(3 * pixel..<3 * pixel + 3, with: [253, 174, 97])
    }
    return shown
  }
}

extension TrainedModel {
  /// The label of a class of the run.
  /// - Throws: `OptionError` where there is none of that name.
  func label(ofClass name: String) throws(OptionError) -> Int {
    guard let names = configuration.classNames else {
      throw OptionError(
        "--class", expected: "a run that was trained with --classes", found: run.path)
    }
    guard let label = names.firstIndex(of: name) else {
      let few = names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
      throw OptionError("--class", expected: "one of \(few)", found: name)
    }
    return label
  }
}
