import Files
import Foundation
import Images
import Training

extension Experts {
  /// The columns of a table beside nats and bits per dimension: the verdict, nats, and its parts; the
  /// largest mean surprise, entropy and excess of one over the other of 9×9 pixels, bits a pixel.
  public static let scoreNames = [
    "verdict", "verdict_global", "verdict_surprise", "verdict_entropy", "verdict_excess",
    "surprise_peak", "entropy_peak", "excess_peak",
  ]

  /// What was made of a source, each image decoded and computed once.
  public struct Scored {
    public var table: ScoreTable
    public var skipped: [FileRemark]
    public var flawed: [FileRemark] = []
  }

  /// Scores and judges the images of a source one after the other; beside a row an image, memory does not
  /// grow with their number.
  /// - Parameters:
  ///   - rate: the false-alarm rate at which images are flagged.
  ///   - strict: whether a file that cannot be read is an error.
  ///   - visit: called for each image as it is judged, in their order.
  ///   - progress: called after each image; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `DetectionError` where held-out images are too few for the rate; `FileError`; what `visit`
  ///   throws.
  public func table(
    of source: ImageSource, falseAlarmRate rate: Double, strict: Bool = false,
    visit: (ScoreRow, LargeEvidence, Image) throws -> Void = { _, _, _ in },
    progress: (_ images: Int) -> Bool = { _ in true }
  ) throws -> Scored? {
    try requireEnoughImages(falseAlarmRate: rate)
    if strict, let first = source.skipped.first {
      throw FileError("\(source.path)/\(first.path)", problem: first.reason)
    }
    var scored = Scored(table: ScoreTable(rows: []), skipped: source.skipped)
    var rows: [ScoreRow] = []
    let isWhole = try judge(source, 0..<source.count, falseAlarmRate: rate) { index, result in
      let name = source.names[index]
      switch result {
      case .success(let found):
        if let flaw = found.flaw { scored.flawed.append(FileRemark(path: name, reason: flaw)) }
        rows.append(found.row)
        try visit(found.row, found.evidence, found.image)
      case .failure(let error):
        if strict { throw error }
        scored.skipped.append(FileRemark(path: name, reason: error.reason))
      }
      return progress(index + 1)
    }
    guard isWhole else { return nil }
    guard !rows.isEmpty else {
      let first = scored.skipped.first.map { "; \($0.path): \($0.reason)" } ?? ""
      throw FileError(
        source.path, expected: "PNG or JPEG images",
        found: "none in \(scored.skipped.count) files\(first)")
    }
    scored.table = ScoreTable(scoreNames: Self.scoreNames, rows: rows)
    return scored
  }

  /// What is found in one image.
  public struct Judged {
    public let row: ScoreRow
    public let evidence: LargeEvidence
    public let image: Image
    /// What is wrong with its file, in one line.
    public let flaw: String?
  }

  /// Judges images of a source one after the other, each decoded while the one before is computed.
  /// - Parameter visit: called for each image, in their order; answers whether to go on.
  /// - Returns: false where it was stopped.
  /// - Throws: what `visit` throws.
  public func judge(
    _ source: ImageSource, _ range: Range<Int>, falseAlarmRate rate: Double,
    visit: (_ index: Int, Result<Judged, any Error>) throws -> Bool
  ) throws -> Bool {
    let images = OneAhead { place in
      place < range.count ? Decoded(source, range.lowerBound + place) : nil
    }
    var index = range.lowerBound
    while let next = images.next() {
      let judged = next.image.map { image in
        let evidence = evidence(of: image)
        return Judged(
          row: row(source.names[index], evidence, rate), evidence: evidence, image: image,
          flaw: next.flaw?.onOneLine)
      }
      guard try visit(index, judged) else { return false }
      index += 1
    }
    return true
  }

  /// Where an image surprises more than 99 in 100 held-out ones do anywhere; where a flagged one does so
  /// nowhere, more than 95 do.
  public func regions(of evidence: LargeEvidence, flagged: Bool) -> [Region] {
    var regions = evidence.regions(above: calibration.mapThreshold(0.99))
    if regions.isEmpty && flagged {
      regions = evidence.regions(above: calibration.mapThreshold(0.95))
    }
    for index in regions.indices {
      regions[index].pValue = calibration.pValue(ofPeak: regions[index].peak)
    }
    return regions
  }

  /// Throws where no image could be flagged at the rate.
  public func requireEnoughImages(falseAlarmRate rate: Double) throws(DetectionError) {
    let needed = try RankPValue.imagesNeeded(falseAlarmRate: rate)
    guard calibration.held.count >= needed else {
      throw .tooFewNormalImages(
        falseAlarmRate: rate, needed: needed, found: calibration.held.count)
    }
  }

  private func row(_ path: String, _ evidence: LargeEvidence, _ rate: Double) -> ScoreRow {
    let opinion = verdict.opinion(on: evidence)
    return ScoreRow(
      path: path, nats: evidence.bits * M_LN2,
      bitsPerDimension: evidence.bits / Double(evidence.pixels),
      scores: [
        opinion.verdict, opinion.global, opinion.surprise, opinion.entropy, opinion.excess,
        evidence.surprisePeak, evidence.entropyPeak, evidence.excessPeak,
      ],
      verdict: .init(
        pValue: opinion.pValue, flagged: opinion.pValue <= rate, oddness: opinion.verdict,
        parts: opinion.parts))
  }

  /// What a report ranks verdicts among.
  public func normals() throws -> Calibration {
    try Calibration(
      scores: ["verdict": verdict.normal],
      data: "\(calibration.held.count) images that training set aside",
      weights: calibration.weights, heldOut: true, surprise: nil)
  }
}

/// An image that was decoded while the one before was computed.
private struct Decoded: Sendable {
  let image: Result<Image, any Error>
  let flaw: String?

  init(_ source: ImageSource, _ index: Int) {
    var flaw: String?
    image = Result { try source.image(at: index) { flaw = $0 } }
    self.flaw = flaw
  }
}
