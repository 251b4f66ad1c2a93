import Detection
import Images

/// Looks at the images of a source one after the other, each once: whether by one model or by both
/// experts of a run.
public protocol Inspector {
  /// The columns of a row beyond nats and bits per dimension.
  var scoreNames: [String] { get }
  /// Of heat maps.
  var scale: HeatScale { get }
  /// What tells all that findings rest on from others.
  var fingerprint: String { get }
  /// Pictures have the size of what was looked at; those of larger images are brought down.
  var picturesAreWhole: Bool { get }

  /// Inspects some images, in their order.
  /// - Parameters:
  ///   - visit: called for each image, with why it could not be read where it could not.
  ///   - progress: called now and then with the index up to which all are done; answers whether to go on.
  /// - Returns: false where it was stopped.
  /// - Throws: what `visit` and `progress` throw; `DetectionError` for an image that cannot be judged.
  func inspect(
    _ source: ImageSource, _ range: Range<Int>,
    visit: (_ index: Int, Result<Inspection, any Error>) throws -> Void,
    progress: (_ end: Int) throws -> Bool
  ) throws -> Bool
}

/// What was found in one image.
public struct Inspection {
  /// With a verdict where there is something to judge by.
  public let row: ScoreRow
  /// What is wrong with its file, in one line.
  public let flaw: String?
  /// Where it surprises, where that is told.
  public let regions: [Region]?
  /// The image as it was looked at, and where it surprises, at the same size.
  let picture: () -> (image: Image, heat: HeatMap)
  /// The surprise of each sub-pixel, bits; none where images have sizes of their own.
  let surprise: () -> ArraySlice<Float>
}

/// Inspects images of the size that a model has learned.
public struct ScorerInspector: Inspector {
  public let scorer: Scorer
  /// Nil where the run is not calibrated.
  public let judge: Judge?
  public let scale: HeatScale

  /// Images are decoded so many at a time.
  private static let chunk = 256

  public init(_ scorer: Scorer, judge: Judge? = nil) {
    self.scorer = scorer
    self.judge = judge
    let channels = scorer.trained.configuration.model.image.channels
    scale = HeatScale.best(for: scorer.calibration, channels: channels)
  }

  public var scoreNames: [String] { scorer.scoreNames }
  public var fingerprint: String { scorer.fingerprint }
  public var picturesAreWhole: Bool { true }

  public func inspect(
    _ source: ImageSource, _ range: Range<Int>,
    visit: (_ index: Int, Result<Inspection, any Error>) throws -> Void,
    progress: (_ end: Int) throws -> Bool
  ) throws -> Bool {
    let shape = scorer.trained.configuration.model.image
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.chunk) {
      let chunk = start..<min(range.upperBound, start + Self.chunk)
      let loaded = source.load(
        chunk, height: shape.height, width: shape.width, channels: shape.channels)
      var failures = loaded.failures[...]
      func visitFailures(before end: Int) throws {
        while let failure = failures.first, failure.index < end {
          try visit(failure.index, .failure(failure.error))
          failures.removeFirst()
        }
      }
      let isWhole = try scorer.score(
        loaded.images, judge: judge,
        visit: { place, row, evidence in
          let (index, flaw) = loaded.origins[place]
          try visitFailures(before: index)
          try visit(index, .success(inspection(row, flaw, evidence)))
        },
        progress: { try progress(loaded.origins[$0 - 1].index + 1) })
      guard isWhole else { return false }
      try visitFailures(before: chunk.upperBound)
      guard try progress(chunk.upperBound) else { return false }
    }
    return true
  }

  private func inspection(_ row: ScoreRow, _ flaw: String?, _ evidence: Evidence) -> Inspection {
    Inspection(
      row: row, flaw: flaw,
      regions: scorer.calibration?.regions(
        of: evidence, flagged: row.verdict?.flagged == true),
      picture: { (evidence.image, HeatMap(evidence.surpriseMap, scale: scale)) },
      surprise: { evidence.surprise })
  }
}

/// Inspects images of any size by both experts of a run.
public struct ExpertsInspector: Inspector {
  public let experts: Experts
  public let falseAlarmRate: Double
  public let scale: HeatScale

  /// Throws a `DetectionError` where held-out images are too few for the rate.
  public init(_ experts: Experts, falseAlarmRate: Double) throws(DetectionError) {
    try experts.requireEnoughImages(falseAlarmRate: falseAlarmRate)
    self.experts = experts
    self.falseAlarmRate = falseAlarmRate
    scale = .boxes(of: experts.calibration)
  }

  public var scoreNames: [String] { Experts.scoreNames }
  public var fingerprint: String { experts.fingerprint }
  public var picturesAreWhole: Bool { false }

  public func inspect(
    _ source: ImageSource, _ range: Range<Int>,
    visit: (_ index: Int, Result<Inspection, any Error>) throws -> Void,
    progress: (_ end: Int) throws -> Bool
  ) throws -> Bool {
    try experts.judge(source, range, falseAlarmRate: falseAlarmRate) { index, result in
      try visit(index, result.map(inspection))
      return try progress(index + 1)
    }
  }

  private func inspection(_ found: Experts.Judged) -> Inspection {
    let isFlagged = found.row.verdict!.flagged
    return Inspection(
      row: found.row, flaw: found.flaw,
      regions: experts.regions(of: found.evidence, flagged: isFlagged),
      picture: {
        let map = found.evidence.map(reach: experts.local.reach)
        return (found.image, HeatMap(map, scale: scale))
      },
      surprise: { preconditionFailure("images have sizes of their own") })
  }
}
