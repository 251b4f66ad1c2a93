import Detection
import Files
import Foundation
import Images

/// Scores the images of a source one after the other into a table.
///
/// ```swift
/// let scoring = Scoring(ScorerInspector(scorer))
/// let summary = try scoring.write(ImageSource("incoming"), to: "scores.csv")
/// ```
///
/// Until the table is whole what was found is kept beside it in `NAME.journal`, by which a call that was
/// stopped or killed is gone on with; that of a shard stays for `Shards`.
public struct Scoring {
  public let inspector: any Inspector
  private let scale: HeatScale
  /// Whether a file that cannot be read is an error.
  public var strict = false
  /// The share of the flagged that may be normal, where that was asked for.
  public var falseDiscoveryRate: Double?
  /// What was asked for that changes what comes out, by its flag: a call with others does not go on with
  /// this one.
  public var settings: [String: String] = [:]
  /// Called with each image's name and a way to a picture of it beside its heat map.
  public var heatMap: ((_ name: String, _ picture: () -> Image) throws -> Void)?
  /// The NumPy file of the surprise of every sub-pixel, bits, `[N, H, W, C]`, of the images that could be
  /// read, in their order; and one's shape.
  public var surprise: (path: String, shape: [Int])?

  public init(_ inspector: some Inspector) {
    self.inspector = inspector
    scale = inspector.scale
  }

  /// What was found.
  public struct Summary: Sendable {
    public var images: Int
    /// Nil where nothing is judged.
    public var flagged: Int?
    public var place: ImagePlace
    public var skipped: [FileRemark]
    public var flawed: [FileRemark]

    init(_ found: Findings, _ place: ImagePlace) {
      images = found.table.rows.count
      flagged = found.table.isCalibrated ? found.table.flaggedCount : nil
      (self.place, skipped, flawed) = (place, found.skipped, found.flawed)
    }
  }

  /// The journal of a table.
  public static func journal(beside table: String) -> String { table + ".journal" }

  /// The beginning of every journal, by which one is known.
  public static var beginningOfJournals: String { Journal.beginning }

  /// - Parameters:
  ///   - table: the CSV file, or a pipe or device, which is not gone on with.
  ///   - resume: whether to go on with what an earlier call has found.
  ///   - progress: called now and then with the images done; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `FileError`, also for a journal of other images or settings; `DetectionError`; what
  ///   `heatMap` throws.
  public func write(
    _ source: ImageSource, to table: String, resume: Bool = false,
    progress: (_ done: Int) -> Bool = { _ in true }
  ) throws -> Summary? {
    let isStream = AtomicFile.isStream(table)
    let journal =
      isStream
      ? NSTemporaryDirectory() + "scanline-\(UInt64.random(in: 0 ... .max)).journal"
      : Self.journal(beside: table)
    defer { if isStream { unlink(journal) } }
    let job = InspectionJob(
      inspector, source, settings, falseDiscoveryRate: falseDiscoveryRate)
    let array = try surprise.map { try NumPyFile($0.path, item: $0.shape, resume: resume) }
    var rows = 0
    var inspecting = Inspecting(
      inspector: inspector, source: source, job: job, strict: strict,
      // The array may have fewer items than the journal has rows, after a power cut.
      accepts: { _ in array.map { rows < $0.count } ?? true },
      keep: { _, image, found in
        if let found {
          try heatMap?(image.row.path) {
            let (picture, heat) = found.picture()
            return sideBySide(picture, heat, scale: scale)
          }
          if let array {
            try array.cut(to: rows)
            try array.append(found.surprise())
          }
        }
        rows += 1
        return image
      })
    inspecting.flush = { try array?.flush() }
    guard try inspecting.run(journal: journal, resume: resume && !isStream, progress: progress)
    else { return nil }
    let found = try Findings(job, [journal], isWhole: source.shard == nil)
    if let array {
      try array.cut(to: rows)
      try array.finish()
    }
    try found.table.writeCSV(to: table)
    if source.shard == nil { unlink(journal) }
    return Summary(found, source.place)
  }
}
