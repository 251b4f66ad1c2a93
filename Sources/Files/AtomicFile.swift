import Foundation
import Synchronization

/// Files that are either the old one or the new one, whole, whenever the process is killed, the
/// power fails or the disk is full.
///
/// The bytes go to a temporary in the same folder, reach the disk, and take the name by rename. On
/// an error the temporary is removed and the old file is as it was.
///
/// Only a regular file is ever replaced. A symbolic link keeps its place: the file that it leads to is
/// replaced, or made. Into a pipe, a device or what a process has open (`/dev/stdout`, `/dev/fd/3`)
/// the bytes are written as they come; a named pipe waits for its reader, as it does in a shell.
///
/// ```swift
/// try AtomicFile.write(Data("{}".utf8), to: "runs/a/calibration.json")
/// ```
public enum AtomicFile {
  /// What temporaries end in: one that a killed process left behind is recognised by it.
  package static let temporarySuffix = ".partial"

  /// Replaces the file at `path` by `contents`.
  /// - Parameter durable: whether to return only once the disk has it. Without, a power cut (not a
  ///   killed process) may lose the new file: for what is written by the thousand and made again.
  /// - Throws: `FileError` with the system's reason.
  public static func write(
    _ contents: some ContiguousBytes, to path: String, durable: Bool = true
  ) throws {
    try write(to: path, durable: durable) { output in
      try contents.withUnsafeBytes { try output.write($0) }
    }
  }

  /// Replaces the file at `path` by lines of text.
  /// - Throws: `FileError` with the system's reason.
  package static func write(lines: [String], to path: String) throws {
    try write(to: path) { output in
      for line in lines { try Array((line + "\n").utf8).withUnsafeBytes { try output.write($0) } }
    }
  }

  /// Replaces the file at `path` by what `body` writes, piece by piece. Whatever `body` throws
  /// abandons the new file.
  /// - Throws: `FileError` with the system's reason, or what `body` throws.
  public static func write(
    to path: String, durable: Bool = true, _ body: (Output) throws -> Void
  ) throws {
    switch try Destination(path) {
    case .file(let target, let mode):
      let folder = folder(of: target)
      let number = String(UInt64.random(in: 0 ... .max), radix: 36)
      let temporary = "\(folder)/.\(number)\(temporarySuffix)"
      _ = underWay.withLock { $0.insert(temporary) }
      defer { _ = underWay.withLock { $0.remove(temporary) } }
      let output = try Output(opening: temporary, O_CREAT | O_EXCL, mode: mode, for: path)
      do {
        try body(output)
        try output.end(durable: durable)
        guard rename(temporary, target) == 0 else { throw FileError(path, cannot: "replace") }
      } catch {
        unlink(temporary)
        throw error
      }
      if durable { try synchronise(folder: folder) }
    case .stream:
      // Appended, in case that it leads to a file that is open elsewhere, as a shell's `> file` is.
      let output = try Output(opening: path, O_APPEND, mode: nil, for: path)
      try body(output)
      try output.end(durable: false)
    }
  }

  /// Temporaries that are being written.
  private static let underWay = Mutex<Set<String>>([])

  /// Removes what is half written, in all threads, and ends the process before more can be begun.
  package static func abandonAll(_ end: () -> Never) -> Never {
    underWay.withLock { temporaries in
      for temporary in temporaries { unlink(temporary) }
      end()
    }
  }

  /// Refuses a path that `write` would be refused, as far as can be told beforehand: for the start of
  /// long work. Throws a `FileError`.
  public static func requireWritable(_ path: String) throws {
    let place =
      switch try Destination(path) {
      // With the slash, a file in place of the folder is noticed.
      case .file(let target, _): folder(of: target) + "/"
      case .stream: path
      }
    guard access(place, W_OK) == 0 else { throw FileError(path, cannot: "write") }
  }

  /// Whether `write` would replace a regular file at `path`, and not make one, or write into a pipe, a
  /// device or what a process has open.
  package static func replacesFile(at path: String) -> Bool {
    guard case .file(let target, _?) = try? Destination(path) else { return false }
    return access(target, F_OK) == 0
  }

  /// Whether `write` would write into a pipe, a device or what a process has open.
  package static func isStream(_ path: String) -> Bool {
    if case .stream = try? Destination(path) { true } else { false }
  }

  /// The file being written.
  public final class Output {
    private var descriptor: Int32
    private let path: String

    fileprivate init(opening file: String, _ flags: Int32, mode: mode_t?, for path: String) throws {
      descriptor = open(file, O_WRONLY | O_CLOEXEC | flags, 0o666)
      self.path = path
      guard descriptor >= 0 else { throw FileError(path, cannot: "write") }
      // Not all file systems have permissions: the contents matter more.
      if let mode { _ = fchmod(descriptor, mode) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends `bytes`, in as many system calls as it takes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
      var rest = bytes
      while !rest.isEmpty {
        let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
        if count > 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        } else if errno != EINTR {
          throw FileError(path, cannot: "write")
        }
      }
    }

    /// A full disk may show only now.
    fileprivate func end(durable: Bool) throws {
      if durable, fsync(descriptor) != 0 { throw FileError(path, cannot: "write") }
      defer { descriptor = -1 }
      guard close(descriptor) == 0 else { throw FileError(path, cannot: "write") }
    }
  }

  /// Makes a rename survive a power cut.
  private static func synchronise(folder: String) throws {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(folder, cannot: "open") }
    defer { close(descriptor) }
    // EINVAL: the file system has no such operation on folders.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw FileError(folder, cannot: "synchronise")
    }
  }
}

/// What a path leads to when it is written.
private enum Destination {
  /// A regular file, at the end of all links, with the permissions that it has; or one to be made.
  case file(String, permissions: mode_t?)
  /// Something that takes bytes but is not to be replaced.
  case stream

  init(_ path: String) throws(FileError) {
    var file = path
    // As many links as the system itself follows.
    for _ in 0...40 {
      var status = stat()
      guard lstat(file, &status) == 0 else {
        self = .file(file, permissions: nil)
        return
      }
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        self = .file(file, permissions: status.st_mode & 0o7777)
        return
      case S_IFDIR: throw FileError(path, cannot: "write", code: EISDIR)
      case S_IFLNK where !isOpenFile(file):
        let target = target(ofLink: file)
        file = target.hasPrefix("/") ? target : "\(folder(of: file))/\(target)"
      default:
        self = .stream
        return
      }
    }
    throw FileError(path, cannot: "write", code: ELOOP)
  }
}

/// Whether a link stands for what a process has open: those lie in /proc, under whatever name.
private func isOpenFile(_ link: String) -> Bool {
  guard let folder = realpath(folder(of: link), nil) else { return false }
  defer { free(folder) }
  return String(cString: folder).hasPrefix("/proc/")
}

private func target(ofLink path: String) -> String {
  String(unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer in
    buffer.withMemoryRebound(to: CChar.self) { max(0, readlink(path, $0.baseAddress!, $0.count)) }
  }
}

private func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
