import Detection
import Files
import Foundation
import Images

/// What was found in the images of a source, on disk as it is found: a job that was killed goes on after
/// the last image that is whole in it, and shards are merged from theirs.
final class Journal {
  let job: InspectionJob
  /// Images of the source that have entries: the first so many.
  private(set) var done = 0
  private let file: RecordFile
  private let columns: [String]

  private static let kind = "SLROWS01"

  /// The beginning of every journal, by which one is known.
  static var beginning: String { kind }

  /// Opens the journal at a path for a job.
  /// - Parameters:
  ///   - resume: whether to go on with one that is there.
  ///   - keep: called for each entry of one that is gone on with; it ends before the first that this
  ///     answers false for.
  /// - Throws: `FileError`, also where there is one of another job to go on with.
  init(
    at path: String, _ job: InspectionJob, resume: Bool, keep: (JournalEntry) throws -> Bool
  ) throws {
    self.job = job
    columns = job.columns
    guard resume else {
      file = try RecordFile.begin(path, kind: Self.kind)
      try file.append(Array(job.encoded()))
      try file.flush()
      return
    }
    var isBegun = false
    var done = 0
    let columns = columns
    file = try RecordFile.resume(path, kind: Self.kind) { record in
      guard isBegun else {
        let found = try InspectionJob.decoded(Data(record), path: path)
        if let difference = job.difference(from: found) {
          throw FileError(
            path, expected: difference.expected,
            found: "\(difference.found); without --resume it is begun anew")
        }
        isBegun = true
        return true
      }
      let entry = try JournalEntry(record, columns, path: path)
      guard try keep(entry) else { return false }
      done += entry.isOfSource ? 1 : 0
      return true
    }
    self.done = done
    if !isBegun {
      try file.append(Array(job.encoded()))
      try file.flush()
    }
  }

  /// Adds an entry, which may be lost until `flush`. Throws a `FileError`.
  func add(_ entry: JournalEntry) throws {
    try file.append(entry.packed(columns))
    done += entry.isOfSource ? 1 : 0
  }

  /// Throws a `FileError`.
  func flush() throws { try file.flush() }

  /// The job of the journal at a path. Throws a `FileError`.
  static func job(at path: String) throws -> InspectionJob {
    struct Found: Error {}
    var job: InspectionJob?
    do {
      try RecordFile.visit(path, kind: kind) { record in
        job = try InspectionJob.decoded(Data(record), path: path)
        throw Found()
      }
    } catch is Found {}
    guard let job else { throw FileError(path, expected: "a journal", found: "its first bytes") }
    return job
  }

  /// Goes over the entries of the journal at a path. Throws a `FileError`; what `body` throws.
  static func visit(_ path: String, _ body: (JournalEntry) throws -> Void) throws {
    var columns: [String]?
    try RecordFile.visit(path, kind: kind) { record in
      guard let known = columns else {
        columns = try InspectionJob.decoded(Data(record), path: path).columns
        return
      }
      try body(JournalEntry(record, known, path: path))
    }
  }
}

extension InspectionJob {
  /// All columns of a row but its path.
  var columns: [String] { ["nats", "bits_per_dimension"] + scoreNames }
}
