import Detection
import Files
import Foundation
import Images

/// A stream of images, watched for a change as they come: each gets a line, as an object of JSON.
///
/// ```swift
/// let watch = try DriftWatch(DriftJob(trained), level: 0.05, state: "stream.state")
/// for path in incoming { for line in try watch.take([path]) { print(line) } }
/// ```
///
/// With a state, a file that grows by what each image was worth, a watch that was stopped or killed goes on
/// as if it had not been.
public final class DriftWatch {
  /// What is said of one image.
  public struct Line: Encodable, Sendable {
    public let path: String
    /// Of the image alone, among normal ones.
    public var pValue: Double?
    /// Of what bets against the stream have made of 1, up to this image.
    public var log10Martingale: Double?
    /// Whether the stream has changed, here or before.
    public let changed: Bool
    /// Why the image could not be judged; it is none of the stream.
    public var error: String?
  }

  private static let kind = "slndrift"

  private let job: DriftJob
  private var stream: DriftStream
  private let state: RecordFile?
  /// The image at which the stream was first known to have changed, and how many it was of.
  public private(set) var change: (path: String?, image: Int)?

  /// - Parameter state: a file to go on with, or to begin; nil for none.
  /// - Throws: `FileError`, also for a state of another run or level.
  public init(_ job: DriftJob, level: Double, state path: String? = nil) throws {
    self.job = job
    var stream = DriftStream(normal: job.normal, level: level)
    var change: (path: String?, image: Int)?
    let identity = Array("\(job.inspector.fingerprint) \(level)".utf8)
    var isFirst = true
    state = try path.map { path in
      let file = try RecordFile.resume(path, kind: Self.kind) { record in
        if isFirst {
          isFirst = false
          guard record.elementsEqual(identity) else {
            throw FileError(
              path, expected: "the state of a stream by this run, as it is, and --level \(level)",
              found: "that of another")
          }
          return true
        }
        guard record.count == 8 else { return false }
        let bits = UInt64(littleEndian: record.loadUnaligned(as: UInt64.self))
        if stream.next(Double(bitPattern: bits)).changed && change == nil {
          change = (nil, stream.count)
        }
        return true
      }
      if isFirst { try file.append(identity) }
      try file.flush()
      return file
    }
    (self.stream, self.change) = (stream, change)
  }

  /// Images so far.
  public var count: Int { stream.count }

  /// The next images of the stream, computed together.
  /// - Returns: their lines, in their order, when what they say is kept.
  /// - Throws: `FileError` where the state cannot be written; `DetectionError`.
  public func take(_ paths: [String]) throws -> [Line] {
    guard !paths.isEmpty else { return [] }
    let source = try ImageSource(files: paths, named: "the stream")
    var found: [String: Result<DriftJob.Finding, any Error>] = [:]
    _ = try job.inspect(source) { found[source.names[$0]] = $1.map(\.0) }
    var lines: [Line] = []
    for path in paths {
      switch found[path]! {
      case .success(let finding):
        let step = stream.next(finding.oddness)
        if step.changed && change == nil { change = (path, stream.count) }
        try withUnsafeBytes(of: finding.oddness.bitPattern.littleEndian) {
          try state?.append(Array($0))
        }
        lines.append(
          Line(
            path: path, pValue: finding.pValue, log10Martingale: step.logMartingale / M_LN10,
            changed: step.changed))
      case .failure(let error):
        if job.strict { throw error }
        lines.append(Line(path: path, changed: stream.changed, error: error.reason))
      }
    }
    try state?.flush()
    return lines
  }
}
