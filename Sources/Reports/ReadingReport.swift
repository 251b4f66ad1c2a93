import Files
import Foundation
import Images

/// What is to be told of the files that images were read from, and of those that could not be.
public struct ReadingReport: Encodable, Equatable, Sendable {
  /// By paths that can be opened from here.
  public private(set) var unreadable: [FileRemark] = []
  public private(set) var flawed: [FileRemark] = []

  public init() {}

  public init(_ path: String, skipped: [FileRemark], flawed: [FileRemark]) {
    add(path, skipped: skipped, flawed: flawed)
  }

  /// Of images that were inspected one by one.
  public init(_ place: ImagePlace, skipped: [FileRemark], flawed: [FileRemark]) {
    unreadable = skipped.map(place.openable)
    self.flawed = flawed.map(place.openable)
  }

  /// Adds the files of a path.
  public mutating func add(_ path: String, skipped: [FileRemark], flawed: [FileRemark]) {
    unreadable += skipped.map { $0.openable(from: path) }
    self.flawed += flawed.map { $0.openable(from: path) }
  }

  private enum Key: CodingKey { case unreadable, unreadableFiles, flawed, flawedFiles }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(unreadable.count, forKey: .unreadable)
    try container.encode(unreadable, forKey: .unreadableFiles)
    try container.encode(flawed.count, forKey: .flawed)
    try container.encode(flawed, forKey: .flawedFiles)
  }

  /// Writes all unreadable files with their reasons as `unreadable.csv` beside an output that is a file
  /// (and not a pipe or a device), where there are any; a table of them
  /// that an earlier call left is removed where there are none.
  /// - Returns: the path, where it was written.
  /// - Throws: `FileError`, also where a file that scanline did not write is in its place.
  package func write(beside output: String, overwrite: Bool) throws -> String? {
    guard access(output, F_OK) != 0 || AtomicFile.replacesFile(at: output) else { return nil }
    let folder = output.lastIndex(of: "/").map { String(output[...$0]) } ?? ""
    let path = folder + "unreadable.csv"
    if !unreadable.isEmpty {
      try OutputFile.requireReplaceable(
        path, inputs: [], overwrite: overwrite, tables: [unreadableCSV([])])
    }
    return try write(to: path) ? path : nil
  }

  /// The same to a place that is scanline's own.
  /// - Returns: whether there was anything to write.
  /// - Throws: `FileError`.
  package func write(to path: String) throws -> Bool {
    let header = unreadableCSV([])
    let earlier = try? OpenFile.contents(of: path)
    guard !unreadable.isEmpty else {
      if let earlier, earlier.starts(with: header.utf8) { unlink(path) }
      return false
    }
    try AtomicFile.write(Data(unreadableCSV(unreadable).utf8), to: path)
    return true
  }
}

extension FileRemark {
  /// The same of a path that can be opened, for a folder or a file that was loaded.
  package func openable(from data: String) -> FileRemark {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: data, isDirectory: &isFolder)
    guard exists, isFolder.boolValue else { return FileRemark(path: data, reason: reason) }
    return FileRemark(path: data.hasSuffix("/") ? data + path : "\(data)/\(path)", reason: reason)
  }
}

extension ImagePlace {
  /// The same remark of a path that can be opened from here.
  package func openable(_ remark: FileRemark) -> FileRemark {
    FileRemark(path: path(of: remark.path), reason: remark.reason)
  }
}
