import Detection
import Files
import Images
import Reports
import Training

/// Finds whether images have changed, taken together: those of a folder or file at once, or one by one as
/// they come, by `DriftWatch`.
///
/// ```swift
/// let job = try DriftJob(TrainedModel(run: "runs/parts"))
/// print(try job.batch(ImageSource("today"))!.drift.pValue)
/// ```
public struct DriftJob {
  /// What came of a batch.
  public struct Outcome: Sendable {
    public let images: Int
    public let drift: BatchDrift
    public let skipped: [FileRemark]
    public let flawed: [FileRemark]
  }

  /// What is known of one image.
  struct Finding {
    let nats: Double
    let oddness: Double
    let pValue: Double
  }

  public let inspector: any Inspector
  /// How odd held-out normal images are, and their −log p, nats; nil of a run of both experts.
  let normal: [Double]
  let normalNats: [Double]?
  public var strict = false

  /// Any: nothing is flagged.
  private static let rate = 0.5

  /// - Throws: `FileError` for a run that is not calibrated, or by too few images.
  public init(_ trained: TrainedModel) throws {
    if let experts = try Experts(of: trained) {
      inspector = try ExpertsInspector(experts, falseAlarmRate: Self.rate)
      (normal, normalNats) = (experts.verdict.normal, nil)
    } else {
      guard let calibration = try trained.calibration() else {
        throw FileError(
          trained.run.path, expected: "a calibrated run", found: "none; run scanline calibrate")
      }
      let scorer = try Scorer(trained, calibration: calibration)
      let judge = try scorer.judge(falseAlarmRate: Self.rate)
      inspector = ScorerInspector(scorer, judge: judge)
      (normal, normalNats) = (judge.normal, try calibration.ranks(of: "nats").normal)
    }
    guard normal.count >= ConformalVerdict.fewest else {
      throw FileError(
        trained.run.path,
        expected: "\(ConformalVerdict.fewest) held-out normal images at least",
        found: "\(normal.count)")
    }
  }

  /// - Parameter progress: called now and then with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `FileError` where fewer than `BatchDrift.fewest` images can be read; `DetectionError`.
  public func batch(
    _ source: ImageSource, progress: (_ done: Int) -> Bool = { _ in true }
  ) throws -> Outcome? {
    var (nats, oddness): ([Double], [Double]) = ([], [])
    var (skipped, flawed) = (source.skipped, source.flawed)
    if strict, let first = skipped.first {
      throw FileError(source.place.path(of: first.path), problem: first.reason)
    }
    let isWhole = try inspect(source) { index, result in
      switch result {
      case .success(let (found, flaw)):
        nats.append(found.nats)
        oddness.append(found.oddness)
        if let flaw { flawed.append(FileRemark(path: source.names[index], reason: flaw)) }
      case .failure(let error):
        if strict { throw error }
        skipped.append(FileRemark(path: source.names[index], reason: error.reason))
      }
    } progress: {
      progress($0)
    }
    guard isWhole else { return nil }
    guard oddness.count >= BatchDrift.fewest else {
      throw FileError(
        source.path, expected: "\(BatchDrift.fewest) images at least", found: "\(oddness.count)")
    }
    let drift = BatchDrift(
      oddness: (oddness, normal), nats: normalNats.map { (nats, $0) })
    return Outcome(images: oddness.count, drift: drift, skipped: skipped, flawed: flawed)
  }

  /// Each image of a source in turn, and what is wrong with its file.
  /// - Returns: false where it was stopped.
  func inspect(
    _ source: ImageSource,
    visit: (Int, Result<(Finding, flaw: String?), any Error>) throws -> Void,
    progress: (_ done: Int) throws -> Bool = { _ in true }
  ) throws -> Bool {
    try inspector.inspect(
      source, 0..<source.count,
      visit: { index, result in
        try visit(
          index,
          result.map { inspection in
            let row = inspection.row
            let verdict = row.verdict!
            let found = Finding(
              nats: row.nats, oddness: verdict.oddness ?? row.nats, pValue: verdict.pValue)
            return (found, inspection.flaw)
          })
      }, progress: progress)
  }
}
