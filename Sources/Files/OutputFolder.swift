import Foundation

/// The folder that a verb writes to. It is made with the first file, and marked as scanline's own where
/// it was new or empty; in any other, what is written is recorded name by name (`WrittenFiles`).
///
/// A file that scanline did not write is replaced only where that is asked for, and never where it
/// belongs to a run or is an image that the verb reads.
package final class OutputFolder {
  package let path: String
  private let inputs: [String]
  private let overwrites: Bool
  private var written: WrittenFiles?
  private var isMade = false
  private var subfolders: [String: OutputFolder] = [:]

  /// Checks the place, and writes nothing.
  /// - Parameters:
  ///   - inputs: folders and files that the verb reads.
  ///   - overwrite: whether files that scanline did not write may be replaced.
  /// - Throws: `FileError` for a file, a run, a run's own folder, and what the verb reads.
  package init(_ path: String, inputs: [String] = [], overwrite: Bool = false) throws {
    self.path = path
    self.inputs = inputs.compactMap(wholePath)
    overwrites = overwrite
    guard let whole = wholePath(path) else { return }
    var status = stat()
    guard stat(whole, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw FileError(path, expected: "a folder to write to", found: "a file")
    }
    if isRun(whole) || isPart(ofRun: whole) {
      throw FileError(path, expected: "a folder to write to", found: "one of a run's")
    }
    written = WrittenFiles(of: path)
    let isWhole = written?.isWhole == true
    for input in self.inputs where input == whole || isWhole && isBelow(input, whole) {
      throw FileError(
        path, expected: "another folder to write to", found: "that of the images to be read")
    }
  }

  /// Within a folder that is all scanline's.
  private init(_ path: String, owned: WrittenFiles) {
    self.path = path
    inputs = []
    overwrites = false
    written = owned
  }

  /// The path of a file in the folder, which is made with all that lead to it.
  /// - Throws: `FileError` where something is in its place that may not be replaced.
  package func file(_ name: String) throws -> String {
    if let slash = name.firstIndex(of: "/") {
      return try subfolder(String(name[..<slash])).file(String(name[name.index(after: slash)...]))
    }
    let written = try make()
    if !written.contains(name) {
      try requireFree([name])
      try self.written?.add(name, in: path)
    }
    return joined(name)
  }

  /// Makes the folder, and these names its own: for who writes the files by their paths.
  /// - Throws: `FileError` where something is in the place of one that may not be replaced.
  package func claim(_ names: [String]) throws {
    try requireFree(names)
    for name in names { _ = try file(name) }
  }

  /// Refuses names of which one is taken, by something that may not be replaced: for the start of long
  /// work. Throws a `FileError`.
  package func requireFree(_ names: some Sequence<String>) throws {
    guard written?.isWhole != true, access(path, F_OK) == 0 else { return }
    for name in names where written?.contains(name) != true {
      let file = joined(name)
      var status = stat()
      guard lstat(file, &status) == 0 else { continue }
      guard overwrites else { throw taken(file) }
      if let whole = wholePath(file), isRead(whole, among: inputs) { throw isRead(file) }
    }
  }

  private func subfolder(_ name: String) throws -> OutputFolder {
    if let known = subfolders[name] { return known }
    let written = try make()
    let folder =
      written.isWhole
      ? OutputFolder(joined(name), owned: written)
      : try OutputFolder(joined(name), inputs: inputs, overwrite: overwrites)
    subfolders[name] = folder
    return folder
  }

  private func make() throws -> WrittenFiles {
    if isMade, let written { return written }
    try makeFolder(path)
    let record = try written ?? WrittenFiles.begin(in: path, isWhole: names(in: path).isEmpty)
    written = record
    isMade = true
    return record
  }

  private func joined(_ name: String) -> String {
    path.hasSuffix("/") ? path + name : "\(path)/\(name)"
  }
}

/// A single file that a verb writes.
package enum OutputFile {
  /// Refuses what may not be replaced: a file of a run, an image that the verb reads, and, unless it
  /// is asked for, any that scanline did not write.
  /// - Parameter tables: the beginnings of tables by which scanline's own are known.
  /// - Throws: `FileError`.
  package static func requireReplaceable(
    _ path: String, inputs: [String], overwrite: Bool, tables: [String]
  ) throws {
    let slash = path.lastIndex(of: "/")
    let name = String(slash.map { path[path.index(after: $0)...] } ?? path[...])
    let folder = slash.map { String(path[...$0]) } ?? "."
    // At the end of all links, where it is there.
    let whole = wholePath(path) ?? wholePath(folder).map { "\($0)/\(name)" } ?? path
    let parent = String(whole[..<(whole.lastIndex(of: "/") ?? whole.startIndex)])
    if isRun(parent) && namesInRun.contains(String(whole.dropFirst(parent.count + 1)))
      || isPart(ofRun: parent)
    {
      throw FileError(path, expected: "a file to write to", found: "one of a run's")
    }
    guard AtomicFile.replacesFile(at: path) else { return }
    if isRead(whole, among: inputs.compactMap(wholePath)) { throw isRead(path) }
    guard !overwrite, WrittenFiles(of: parent)?.contains(name) != true else { return }
    let file = try OpenFile(reading: path)
    let length = min(file.size, tables.map(\.utf8.count).max() ?? 0)
    var start = [UInt8](repeating: 0, count: length)
    try start.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    guard tables.contains(where: { start.starts(with: $0.utf8) }) else { throw taken(path) }
  }
}

private func names(in folder: String) -> [String] {
  (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
}

private func isRun(_ folder: String) -> Bool { isRun(holding: Set(names(in: folder))) }

/// Whether a whole path is a run's folder of samples or events, or lies in it.
private func isPart(ofRun folder: String) -> Bool {
  var path = folder
  while let slash = path.lastIndex(of: "/"), slash != path.startIndex {
    let name = path[path.index(after: slash)...]
    path = String(path[..<slash])
    if foldersInRun.contains(String(name)), isRun(path) { return true }
  }
  return false
}

private func isBelow(_ path: String, _ folder: String) -> Bool {
  path.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/")
}

/// Whether a file is one that is read: named itself, or an image in a folder that is.
private func isRead(_ file: String, among inputs: [String]) -> Bool {
  let endings = [".png", ".jpg", ".jpeg", ".jpe", ".jfif"]
  let isPicture = endings.contains { file.lowercased().hasSuffix($0) }
  return inputs.contains { file == $0 || isPicture && isBelow(file, $0) }
}

private func isRead(_ file: String) -> FileError {
  FileError(file, expected: "another file to write to", found: "one of the images to be read")
}

private func taken(_ file: String) -> FileError {
  FileError(
    file, expected: "a name that is free",
    found: "a file that scanline did not write;"
      + " --overwrite replaces it")
}
