import Detection
import Files
import Images
import Reports
import Training

/// Makes a calibration of held-out normal images: reads them, sees whether the run knows them, scores them
/// and tries what they tell apart.
///
/// ```swift
/// let job = CalibrationJob(try TrainedModel(run: "runs/parts"), data: "held-out")
/// try job.run()!.calibration.write(to: job.trained.run.calibrationFile)
/// ```
public struct CalibrationJob {
  public enum Event: Sendable {
    case reading(Reading)
    /// The run has seen some of the images.
    case seen(SeenRemark)
    /// Whether it has seen none: nil where that is not known.
    case heldOut(Bool?)
    /// So many images are scored, of so many.
    case scoring(done: Int, of: Int)
  }

  /// What came of it.
  public struct Outcome: Sendable {
    public let calibration: Calibration
    public let reading: ReadingReport
  }

  /// The share of images that may have been trained on: it raises the rate of false alarms by as large a
  /// part of itself at most.
  private static let mostTrained = 0.05

  public let trained: TrainedModel
  /// A folder or a file of images.
  public var data: String
  public var strict = false
  public var followsLinks = false
  /// Scores that take passes of their own.
  public var further = FurtherScores()
  /// Whether to try what the calibration tells apart, which takes a thousand images more.
  public var triesControls = true

  public init(_ trained: TrainedModel, data: String) {
    self.trained = trained
    self.data = data
  }

  /// - Parameters:
  ///   - watch: told of what happens; answers whether to go on.
  ///   - check: called with the number of images before any is scored; what it throws ends the job.
  /// - Returns: nil where it was stopped.
  /// - Throws: `FileError` for a run of both experts, for images that cannot be read and for images of
  ///   which too many were trained on; `DetectionError` for scores that are not numbers.
  public func run(
    watch: @escaping (Event) -> Bool = { _ in true },
    check: (_ images: Int) throws -> Void = { _ in }
  ) throws -> Outcome? {
    if trained.configuration.experts == true {
      throw FileError(
        trained.run.path, expected: "a run of one model",
        found: "both experts, which rank images among those that their training set aside")
    }
    let images = try trained.images(at: data, strict: strict, followLinks: followsLinks) {
      watch(.reading($0))
    }
    guard let images else { return nil }
    try check(images.count)
    let overlap = try overlap(with: images)
    for remark in overlap.map({ SeenRemark.remarks(on: $0, images, data) }) ?? []
    where !watch(.seen(remark)) { return nil }
    guard watch(.heldOut(overlap?.isEmpty)) else { return nil }
    let description = "\(data), \(images.count) image\(images.count == 1 ? "" : "s")"
    let calibration = try trained.calibration(
      on: images, description, heldOut: overlap?.isEmpty, further: further,
      controls: triesControls
    ) { done, total in watch(.scoring(done: done, of: total)) }
    let reading = ReadingReport(data, skipped: images.skipped, flawed: images.flawed)
    return calibration.map { Outcome(calibration: $0, reading: reading) }
  }

  /// Images that the run was trained or validated on; nil where that is not known.
  private func overlap(with images: DataSet) throws -> SeenImages.Overlap? {
    guard let overlap = try SeenImages(of: trained.run)?.overlap(with: images) else { return nil }
    guard overlap.excess <= Self.mostTrained else {
      throw FileError(
        data, expected: "images that the run was not trained on",
        found:
          "\(overlap.trained.count) of \(images.count) that it was, the same in every pixel, as"
          + " \(images.names[overlap.trained[0]])")
    }
    return overlap
  }
}
