import Foundation

/// Files that are either the old one or the new one, whole, whenever the process is killed, the
/// power fails or the disk is full.
///
/// The bytes go to a temporary in the same folder, reach the disk, and take the name by rename. On
/// an error the temporary is removed and the old file is as it was.
///
/// ```swift
/// try AtomicFile.write(Data("{}".utf8), to: "runs/a/calibration.json")
/// ```
public enum AtomicFile {
  /// What temporaries end in: one that a killed process left behind is recognised by it.
  static let temporarySuffix = ".partial"

  /// Replaces the file at `path` by `contents`. Throws a `RunFileError` with the system's reason.
  public static func write(_ contents: some ContiguousBytes, to path: String) throws {
    try write(to: path) { output in try contents.withUnsafeBytes { try output.write($0) } }
  }

  /// Replaces the file at `path` by what `body` writes, piece by piece. Whatever `body` throws
  /// abandons the new file.
  public static func write(to path: String, _ body: (Output) throws -> Void) throws {
    let (folder, name) = split(path)
    let temporary =
      "\(folder)/.\(name).\(String(UInt64.random(in: 0 ... .max), radix: 36))\(temporarySuffix)"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw RunFileError(path, cannot: "write") }
    do {
      var isOpen = true
      defer { if isOpen { close(descriptor) } }
      try body(Output(descriptor: descriptor, path: path))
      guard fsync(descriptor) == 0 else { throw RunFileError(path, cannot: "write") }
      isOpen = false
      guard close(descriptor) == 0 else { throw RunFileError(path, cannot: "write") }
      guard rename(temporary, path) == 0 else { throw RunFileError(path, cannot: "replace") }
    } catch {
      unlink(temporary)
      throw error
    }
    try synchronise(folder: folder)
  }

  /// The file being written.
  public struct Output {
    fileprivate let descriptor: Int32
    fileprivate let path: String

    /// Appends `bytes`, in as many system calls as it takes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
      var rest = bytes
      while !rest.isEmpty {
        let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
        if count > 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        } else if errno != EINTR {
          throw RunFileError(path, cannot: "write")
        }
      }
    }
  }

  private static func split(_ path: String) -> (folder: String, name: Substring) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path[...]) }
    let name = path[path.index(after: slash)...]
    return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
  }

  /// Makes a rename survive a power cut.
  private static func synchronise(folder: String) throws {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RunFileError(folder, cannot: "open") }
    defer { close(descriptor) }
    // EINVAL: the file system has no such operation on folders.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw RunFileError(folder, cannot: "synchronise")
    }
  }
}
