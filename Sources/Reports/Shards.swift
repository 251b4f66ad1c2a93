import Files
import Foundation
import Images

/// What was found in all shards of a source, by as many processes or machines: made whole as if it were
/// found by one.
///
/// ```swift
/// let shards = try Shards(["part-1", "part-2"])  // folders that Flagging wrote, or tables of Scoring
/// let summary = try shards.writeReport(to: "report")
/// ```
public struct Shards {
  private let job: InspectionJob
  private let journals: [String]

  /// Whether they are of `Flagging`, and not of `Scoring`.
  public var haveReport: Bool { job.page != nil }

  /// The folder or file that the images are from.
  public var inputs: [String] {
    switch job.place {
    case .folder(let path), .file(let path): [path]
    case .paths: []
    }
  }

  /// - Parameter paths: of all shards, in any order: the folders, or the tables.
  /// - Throws: `FileError` where one is not whole, missing, given twice or of another job.
  public init(_ paths: [String]) throws {
    var parts: [(path: String, journal: String, job: InspectionJob, shard: Shard)] = []
    for path in paths {
      var status = stat()
      guard stat(path, &status) == 0 else { throw FileError(path, cannot: "open") }
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      let journal =
        isFolder ? Flagging.journal(in: path, isPart: true) : Scoring.journal(beside: path)
      guard access(journal, F_OK) == 0 else {
        throw FileError(path, expected: "a shard with its journal", found: "no \(journal)")
      }
      let job = try Journal.job(at: journal)
      guard let shard = job.shard else {
        throw FileError(path, expected: "a shard", found: "a journal of all images")
      }
      if let first = parts.first?.job {
        if let difference = first.difference(from: job, isPart: true) {
          throw FileError(journal, expected: difference.expected, found: difference.found)
        }
        guard first.place == job.place, (first.page == nil) == (job.page == nil) else {
          throw FileError(
            journal, expected: "a shard of \(first.title) like the others",
            found: "one of \(job.title)")
        }
      }
      if let twin = parts.first(where: { $0.shard == shard }) {
        throw FileError(path, expected: "another shard than \(twin.path)", found: "\(shard) again")
      }
      parts.append((path, journal, job, shard))
    }
    guard let first = parts.first else {
      throw FileError("shards", expected: "at least one", found: "none")
    }
    let missing = (1...first.shard.count).filter { index in
      !parts.contains { $0.shard.index == index }
    }
    guard missing.isEmpty else {
      let more = missing.count > 5 ? " and \(missing.count - 5) more" : ""
      throw FileError(
        first.path, expected: "all \(first.shard.count) shards",
        found: "none of \(missing.prefix(5).map(String.init).joined(separator: ", "))\(more)")
    }
    parts.sort { $0.shard.index < $1.shard.index }
    for part in parts {
      var done = 0
      try Journal.visit(part.journal) { done += $0.isOfSource ? 1 : 0 }
      guard done == part.job.count else {
        throw FileError(
          part.path, expected: "all \(part.job.count) images of shard \(part.shard)",
          found: "\(done); go on with it by --resume")
      }
    }
    var job = parts[0].job
    job.shard = nil
    self.job = job
    journals = parts.map(\.journal)
  }

  /// Writes what `Flagging` writes of a whole.
  /// - Parameter progress: called with the heat maps done; answers whether to go on.
  /// - Throws: `FileError`, `DetectionError`.
  public func writeReport(
    to folder: String, progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws -> Flagging.Summary {
    precondition(haveReport, "tables make no report")
    return try FlagFolder(job: job, journals: journals).write(to: folder, progress: progress)
  }

  /// Writes the table that `Scoring` writes of a whole.
  /// - Throws: `FileError`, `DetectionError`.
  public func writeTable(to path: String) throws -> Scoring.Summary {
    let found = try Findings(job, journals)
    try found.table.writeCSV(to: path)
    return Scoring.Summary(found, job.place)
  }
}
