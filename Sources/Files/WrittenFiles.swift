import Foundation

/// What scanline wrote in a folder, kept there as the hidden file `.scanline`: it may be replaced
/// without asking, and is left out where the folder is read as images.
package struct WrittenFiles: Sendable {
  package static let name = ".scanline"

  /// All of the folder is scanline's: it was new or empty when something was first written to it.
  package let isWhole: Bool
  /// Otherwise the names, or the paths below the folder, of what is.
  package private(set) var paths: Set<String>

  private static let explanation =
    "# Written by scanline: it may replace these files, and takes none of them for images of yours."
  private static let everything = "*"

  /// The record of a folder; nil where there is none that can be read.
  package init?(of folder: String) {
    guard
      let bytes = try? OpenFile.contents(of: Self.file(in: folder), atMost: 1 << 28)
    else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    guard lines.first.map(String.init) == Self.explanation else { return nil }
    isWhole = lines.dropFirst().first.map(String.init) == Self.everything
    paths = Set(lines.dropFirst().map(String.init))
  }

  private init(isWhole: Bool) {
    self.isWhole = isWhole
    paths = []
  }

  /// Begins the record of a folder that exists. Throws a `FileError`.
  package static func begin(in folder: String, isWhole: Bool) throws -> WrittenFiles {
    let text = explanation + "\n" + (isWhole ? everything + "\n" : "")
    try AtomicFile.write(Data(text.utf8), to: file(in: folder))
    return WrittenFiles(isWhole: isWhole)
  }

  /// Whether scanline wrote what lies at a path below the folder.
  package func contains(_ path: String) -> Bool { isWhole || paths.contains(path) }

  /// Adds a path below the folder, before it is written. Throws a `FileError`.
  package mutating func add(_ path: String, in folder: String) throws {
    // A name with a line break in it is not worth a format of its own.
    guard !isWhole, !path.contains("\n"), paths.insert(path).inserted else { return }
    let file = Self.file(in: folder)
    let descriptor = open(file, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(file, cannot: "write") }
    defer { close(descriptor) }
    let line = Array("\(path)\n".utf8)
    guard Foundation.write(descriptor, line, line.count) == line.count else {
      throw FileError(file, cannot: "write")
    }
  }

  private static func file(in folder: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }
}

/// Whether a folder that holds these names is a training run: its configuration beside something that
/// only a run has.
package func isRun(holding names: Set<String>) -> Bool {
  names.contains("config.json")
    && !names.isDisjoint(with: ["weights.safetensors", "checkpoint.safetensors"])
    || names.isSuperset(of: ["config.json", "lock", "events"])
}

/// Files that a run has or may come to have, and its folders.
package let namesInRun: Set<String> = [
  "config.json", "weights.safetensors", "checkpoint.safetensors", "metrics.jsonl",
  "calibration.json", "seen.bin", "lock", "unreadable.csv", "calibration-unreadable.csv",
]
package let foldersInRun: Set<String> = ["events", "samples"]
