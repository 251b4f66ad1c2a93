import Detection
import Files
import Foundation
import Generation
import Images
import Models
import Reports
import Training

/// Moves images that look odd toward what a run holds likely (`Purifier`), into a folder: `images/` all
/// images, moved or not, `moves/` where those that were moved were, `purified.csv`, and `sheet.png` with the
/// oddest: original, purified, moves.
///
/// ```swift
/// let trained = try TrainedModel(run: "runs/photos")
/// let job = try PurificationJob(trained, trained.images(at: "incoming")!, epsilon: 8)
/// print(try job.run(to: "purified")!.moved, "images moved")
/// ```
public struct PurificationJob {
  public struct Purified: Sendable {
    /// The image, as its data set names it, and its file in the folder.
    public let image: String
    public let file: String
    /// By the run's verdict, before and after.
    public let pValue: Double
    public let pValueAfter: Double
    /// −log p, nats, before and after.
    public let nats: Double
    public let natsAfter: Double
    /// Sub-pixels that were moved; none of an image that was left alone.
    public let moved: Int
  }

  public struct Outcome: Sendable {
    public let images: [Purified]
    /// Of moving images alone.
    public let seconds: Double
    /// Images that were moved.
    public var moved: Int { images.count { $0.moved > 0 } }
  }

  /// What is done, and of how much of it how much.
  public enum Stage: String, Sendable {
    case scoring = "scoring images"
    case purifying = "purifying"
    case scoringAgain = "scoring purified images"
  }

  public let trained: TrainedModel
  public let images: DataSet
  /// The most that an intensity moves, 1 … 255.
  public let epsilon: Int
  /// Images of a higher p-value are left alone, 0 … 1.
  public var below = 0.1
  public var overwrites = false
  /// Where the images are, which are never written to.
  public var inputs: [String] = []
  private let reach: Int
  private let scorer: Scorer

  private static let mostInSheet = 40

  /// - Parameter images: as the run wants them, `TrainedModel.images(at:)`.
  /// - Throws: `FileError` for a run that is not calibrated, of both experts or of other pixels than
  ///   levels, `OptionError` for an ε of less than one level.
  public init(_ trained: TrainedModel, _ images: DataSet, epsilon: Int) throws {
    let run = trained.run.path
    (self.trained, self.images, self.epsilon) = (trained, images, epsilon)
    guard trained.configuration.crops == nil,
      case .levels(let levels) = trained.configuration.pixels
    else {
      throw FileError(
        run, expected: "a run of whole images with levels of grey or colour",
        found: trained.configuration.crops == nil
          ? "pixels \(trained.configuration.pixels)" : "crops")
    }
    reach = epsilon * (levels - 1) / 255
    guard reach >= 1, epsilon <= 255 else {
      throw OptionError(
        "--epsilon", expected: "\((255 + levels - 2) / (levels - 1)) ... 255 with \(levels) levels",
        found: "\(epsilon)")
    }
    guard let calibration = try trained.calibration() else {
      throw FileError(run, expected: "a calibrated run", found: "none; run scanline calibrate")
    }
    scorer = try Scorer(trained, calibration: calibration)
  }

  /// - Parameter progress: answers whether to go on.
  /// - Returns: nil where it was stopped; nothing is written then.
  /// - Throws: `GenerationError`, `DetectionError`; `FileError` where a file cannot be written.
  public func run(
    to path: String,
    progress: @escaping (Stage, _ done: Double, _ of: Int) -> Bool = { _, _, _ in true }
  ) throws -> Outcome? {
    let names = HeatMapNames(of: images.names)
    let folder = try OutputFolder(path, inputs: inputs, overwrite: overwrites)
    try folder.requireFree(
      images.names.flatMap { ["images/\(names.image(for: $0))", "moves/\(names.image(for: $0))"] }
        + ["purified.csv", "sheet.png"])
    guard let before = try judged(images, { progress(.scoring, Double($0), images.count) }) else {
      return nil
    }
    let odd = images.names.indices.filter { before[$0].verdict!.pValue <= below }
    let batch = trained.batch(of: images, odd)
    let start = ContinuousClock.now
    let purifier = Purifier(trained.model, in: trained.context, reach: reach)
    let purified = try purifier.purify(batch) { progress(.purifying, $0, odd.count) }
    guard let purified else { return nil }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let moved = moving(odd, from: batch, to: purified)
    let again = try judged(moved[odd]) {
      progress(.scoringAgain, Double($0), odd.count)
    }
    guard let again else { return nil }

    var after = before
    for (place, index) in odd.enumerated() { after[index] = again[place] }
    let found = try write(moved, to: folder, names, before: before, after: after)
    try writeSheet(
      of: odd.sorted { before[$0].verdict!.pValue < before[$1].verdict!.pValue }, moved,
      to: folder)
    return Outcome(images: found, seconds: seconds)
  }

  /// Writes every image, moved or not, where it was moved, and the table.
  private func write(
    _ moved: DataSet, to folder: OutputFolder, _ names: HeatMapNames, before: [ScoreRow],
    after: [ScoreRow]
  ) throws -> [Purified] {
    let found = try images.names.indices.map { index in
      let (own, other) = (images.image(at: index), moved.image(at: index))
      let file = names.image(for: images.names[index])
      let count = zip(own.pixels, other.pixels).count { $0 != $1 }
      try other.writePNG(to: folder.file("images/\(file)"))
      if count > 0 {
        try moveMap(from: own, to: other, most: epsilon).writePNG(to: folder.file("moves/\(file)"))
      }
      return Purified(
        image: images.names[index], file: "images/\(file)",
        pValue: before[index].verdict!.pValue, pValueAfter: after[index].verdict!.pValue,
        nats: before[index].nats, natsAfter: after[index].nats, moved: count)
    }
    try AtomicFile.write(
      lines: [Purified.header] + found.map(\.line), to: folder.file("purified.csv"))
    return found
  }

  /// The oddest: original, purified, moves.
  private func writeSheet(of odd: [Int], _ moved: DataSet, to folder: OutputFolder) throws {
    let shown = odd.prefix(Self.mostInSheet)
    guard !shown.isEmpty else { return }
    let tiles = shown.flatMap {
      moveTiles(from: images.image(at: $0), to: moved.image(at: $0), most: epsilon)
    }
    try grid(of: tiles, columns: shown.count > 8 ? 12 : 3).writePNG(to: folder.file("sheet.png"))
  }

  private func judged(_ data: DataSet, _ progress: (Int) -> Bool) throws -> [ScoreRow]? {
    guard data.count > 0 else { return [] }
    let table = try scorer.table(of: data, progress: progress)
    // Nothing is flagged; the rate has only to be one that all calibrations allow.
    return try table?.judged(by: scorer.judge(falseAlarmRate: 0.5)).rows
  }

  /// The images with what was moved, by ε at most; what was not stays as it is, between levels too.
  private func moving(_ odd: [Int], from before: PixelBatch, to after: PixelBatch) -> DataSet {
    var pixels = images.pixels
    let dimension = images.dimension
    for (place, index) in odd.enumerated() {
      let level = trained.configuration.pixels.image(from: after, at: place).pixels
      for i in 0..<dimension
      where before.symbols[place * dimension + i] != after.symbols[place * dimension + i] {
        let own = Int(pixels[index * dimension + i])
        pixels[index * dimension + i] = UInt8(
          min(max(Int(level[i]), own - epsilon), own + epsilon))
      }
    }
    return DataSet(
      height: images.height, width: images.width, channels: images.channels, pixels: pixels,
      names: images.names)
  }
}

extension PurificationJob.Purified {
  static let header = "path,file,p_value,p_value_after,nats,nats_after,moved"

  var line: String {
    ([image, file].map { quoted(inert($0)) }
      + [pValue, pValueAfter, nats, natsAfter].map(\.description) + ["\(moved)"])
      .joined(separator: ",")
  }
}
