import Files
import Foundation

/// A failure of the command itself, in one line.
struct CommandError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// The work was stopped before its end.
  static func stopped(_ what: String) -> Stopped { Stopped(description: "stopped: \(what)") }
}

/// The folder that a verb writes to: made where there is none. Files in it are replaced where they have
/// the name of one to be written; nothing else in it is touched.
struct OutputFolder {
  let path: String

  init(_ path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      guard isFolder.boolValue else {
        throw CommandError("\(path): expected a folder to write to, found a file")
      }
    }
    try makeFolder(path)
  }

  /// The path of a file in the folder; its own folder is made.
  func file(_ name: String) throws -> String {
    let file = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    if name.contains("/") { try makeFolder(String(file[..<file.lastIndex(of: "/")!])) }
    return file
  }
}
