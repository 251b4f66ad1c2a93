import Files
import Foundation
import Images
import Reports

/// What is to be told of the files that a verb read images from, and of those that it could not.
struct ReadingReport: Encodable {
  /// By paths that can be opened from here.
  private(set) var unreadable: [FileRemark] = []
  private(set) var flawed: [FileRemark] = []

  /// Of data sets with the paths that they were loaded from.
  init(_ sets: [(path: String, data: DataSet)]) {
    for (path, data) in sets {
      unreadable += data.skipped.map { $0.openable(from: path) }
      flawed += data.flawed.map { $0.openable(from: path) }
    }
  }

  /// Of images at a working scale with the path that they were loaded from.
  init(_ path: String, _ images: ScaledImages) {
    self.init(path, skipped: images.skipped, flawed: images.flawed)
  }

  init(_ path: String, skipped: [FileRemark], flawed: [FileRemark]) {
    unreadable = skipped.map { $0.openable(from: path) }
    self.flawed = flawed.map { $0.openable(from: path) }
  }

  /// Of images that were inspected one by one.
  init(_ place: ImagePlace, skipped: [FileRemark], flawed: [FileRemark]) {
    unreadable = skipped.map(place.openable)
    self.flawed = flawed.map(place.openable)
  }

  private enum Key: CodingKey { case unreadable, unreadableFiles, flawed, flawedFiles }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(unreadable.count, forKey: .unreadable)
    try container.encode(unreadable, forKey: .unreadableFiles)
    try container.encode(flawed.count, forKey: .flawed)
    try container.encode(flawed, forKey: .flawedFiles)
  }

  /// Writes all unreadable files with their reasons as `unreadable.csv` beside an output that is a file
  /// (and not a pipe or a device), where there are any; a table of them
  /// that an earlier call left is removed where there are none.
  /// - Throws: `FileError`, also where a file that scanline did not write is in its place.
  func write(beside output: String, overwrite: Bool, _ console: Console) throws {
    guard access(output, F_OK) != 0 || AtomicFile.replacesFile(at: output) else { return }
    let folder = output.lastIndex(of: "/").map { String(output[...$0]) } ?? ""
    let path = folder + "unreadable.csv"
    if !unreadable.isEmpty {
      try OutputFile.requireReplaceable(
        path, inputs: [], overwrite: overwrite, tables: [unreadableCSV([])])
    }
    try write(to: path, console)
  }

  /// The same to a place that is scanline's own. Throws a `FileError`.
  func write(to path: String, _ console: Console) throws {
    let table = unreadableCSV(unreadable)
    let header = unreadableCSV([])
    let earlier = try? OpenFile.contents(of: path)
    guard !unreadable.isEmpty else {
      if let earlier, earlier.starts(with: header.utf8) { unlink(path) }
      return
    }
    try AtomicFile.write(Data(table.utf8), to: path)
    console.note("\(path) names \(counted(unreadable.count, "unreadable file"))")
  }
}

extension FileRemark {
  /// The same of a path that can be opened, for a folder or a file that was loaded.
  func openable(from data: String) -> FileRemark {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: data, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else { return FileRemark(path: data, reason: reason) }
    return FileRemark(path: data.hasSuffix("/") ? data + path : "\(data)/\(path)", reason: reason)
  }
}

/// A result together with what is told of the files read, as one object.
struct WithReading<Result: Encodable>: Encodable {
  let result: Result
  let reading: ReadingReport

  init(_ result: Result, _ reading: ReadingReport) {
    self.result = result
    self.reading = reading
  }

  func encode(to encoder: any Encoder) throws {
    try result.encode(to: encoder)
    try reading.encode(to: encoder)
  }
}
