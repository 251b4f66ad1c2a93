import Images
import Reports
import Training

/// Measures how well a classifier tells the classes of a set of images.
///
/// ```swift
/// let job = ClassificationJob(try TrainedClassifier(run: "runs/shoes"), data: "held-out")
/// print(try job.run()!.classification.accuracy.value)
/// ```
public struct ClassificationJob {
  public enum Event: Sendable {
    case reading(Reading)
    /// So many images are told, of so many.
    case telling(done: Int, of: Int)
  }

  /// What came of it.
  public struct Outcome: Sendable {
    public let classification: ClassificationSummary
    /// Of the pass alone.
    public let seconds: Double
    public let reading: ReadingReport
  }

  public let classifier: TrainedClassifier
  /// A folder of a folder for each class, or a file of images with labels.
  public var data: String
  public var strict = false
  public var followsLinks = false

  public init(_ classifier: TrainedClassifier, data: String) {
    self.classifier = classifier
    self.data = data
  }

  /// - Parameter watch: told of what happens; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `FileError` for images that cannot be read, or that are of no class of the run.
  public func run(watch: @escaping (Event) -> Bool = { _ in true }) throws -> Outcome? {
    let images = try classifier.images(at: data, strict: strict, followLinks: followsLinks) {
      watch(.reading($0))
    }
    guard let images else { return nil }
    let start = ContinuousClock.now
    let classification = classifier.classification(of: images) {
      watch(.telling(done: $0, of: images.count))
    }
    guard classification.labels.count == images.count else { return nil }
    return Outcome(
      classification: classification, seconds: (ContinuousClock.now - start) / .seconds(1),
      reading: ReadingReport(data, skipped: images.skipped, flawed: images.flawed))
  }
}
