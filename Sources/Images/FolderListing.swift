import Files
import Glibc

/// The files below a folder, as paths relative to it in the order of their bytes. What is hidden (a
/// leading dot) is left out, and so is what scanline wrote: runs, and outputs of its verbs.
struct FolderListing {
  /// Files named as PNG or JPEG.
  private(set) var pictures: [String] = []
  /// Everything else that is no folder, folders that cannot be read, and links out of the root.
  private(set) var skipped: [FileRemark] = []
  /// Runs and outputs of scanline.
  private(set) var leftOut: [FileRemark] = []

  private let root: String
  private let followLinks: Bool
  private var visited: Set<Identity> = []
  private var linkedFolders: [String] = []

  /// - Parameter followLinks: whether links to folders that do not lie below the root are followed.
  /// - Throws: `FileError` where the folder itself cannot be read, or is a run.
  init(_ root: String, followLinks: Bool) throws {
    self.root = root
    self.followLinks = followLinks
    try visit("")
    // Links to folders come last and each folder is entered once: a loop of links ends, and a
    // file that lies below the root is listed under its own path and not a link's.
    while !linkedFolders.isEmpty {
      let links = linkedFolders.sorted(by: precedes)
      linkedFolders = []
      for link in links { visitOrSkip(link) }
    }
    pictures.sort(by: precedes)
    skipped.sort { precedes($0.path, $1.path) }
    leftOut.sort { precedes($0.path, $1.path) }
  }

  private mutating func visitOrSkip(_ folder: String) {
    do {
      try visit(folder)
    } catch {
      skip(folder, error.problem)
    }
  }

  private mutating func visit(_ folder: String) throws(FileError) {
    var status = stat()
    guard let stream = opendir(path(folder)), fstat(dirfd(stream), &status) == 0 else {
      throw FileError(path(folder), cannot: "open")
    }
    guard visited.insert(Identity(status)).inserted else {
      closedir(stream)
      return
    }
    var entries: [(name: String, type: UInt8)] = []
    var isMarked = false
    while let entry = readdir(stream) {
      let bytes = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
      let name = bytes.assumingMemoryBound(to: CChar.self)
      guard name[0] != CChar(UInt8(ascii: ".")) else {
        isMarked = isMarked || strcmp(name, WrittenFiles.name) == 0
        continue
      }
      if let valid = String(validatingCString: name) {
        entries.append((valid, entry.pointee.d_type))
      } else {
        skip(joined(folder, String(cString: name)), "its name is not UTF-8")
      }
    }
    closedir(stream)  // before going deeper: a deep tree would run out of open files
    if entries.contains(where: { $0.name == "config.json" }),
      isRun(holding: Set(entries.map(\.name)))
    {
      guard !folder.isEmpty else {
        throw FileError(root, expected: "images", found: "a run of scanline")
      }
      leftOut.append(FileRemark(path: folder, reason: "a run of scanline"))
      return
    }
    let written = isMarked ? WrittenFiles(of: path(folder)) : nil
    // Who names an output as the data itself means it.
    if let written, written.isWhole, !folder.isEmpty {
      leftOut.append(FileRemark(path: folder, reason: "written by scanline"))
      return
    }
    for (name, type) in entries {
      let file = joined(folder, name)
      if let written, written.paths.contains(name) {
        leftOut.append(FileRemark(path: file, reason: "written by scanline"))
      } else {
        add(file, type)
      }
    }
  }

  /// - Parameter type: as the folder has it, which spares a system call a file.
  private mutating func add(_ file: String, _ type: UInt8) {
    switch Int(type) {
    case Int(DT_REG): addFile(file)
    case Int(DT_DIR): visitOrSkip(file)
    case Int(DT_LNK), Int(DT_UNKNOWN): addByStatus(file)
    default: skip(file, "not a regular file")
    }
  }

  private mutating func addByStatus(_ file: String) {
    var status = stat()
    guard lstat(path(file), &status) == 0 else {
      skip(file, String(cString: strerror(errno)))
      return
    }
    let isLink = status.st_mode & S_IFMT == S_IFLNK
    if isLink, stat(path(file), &status) != 0 {
      skip(file, "a link to nothing: \(String(cString: strerror(errno)))")
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: addFile(file)
    case S_IFDIR where !isLink: visitOrSkip(file)
    case S_IFDIR where followLinks || isBelowRoot(file): linkedFolders.append(file)
    case S_IFDIR:
      skip(file, "a link to a folder elsewhere, which is followed only with --follow-links")
    default: skip(file, "not a regular file")
    }
  }

  private mutating func addFile(_ file: String) {
    let dot = file.utf8.lastIndex(of: UInt8(ascii: "."))
    let ending = dot.map { file[file.utf8.index(after: $0)...].lowercased() } ?? ""
    if ["png", "jpg", "jpeg", "jpe", "jfif"].contains(ending) {
      pictures.append(file)
    } else {
      skip(file, OtherImageFormat(extension: ending[...])?.advice ?? "not a PNG or JPEG file")
    }
  }

  private mutating func skip(_ path: String, _ reason: String) {
    skipped.append(FileRemark(path: path, reason: reason))
  }

  private func isBelowRoot(_ link: String) -> Bool {
    guard let target = wholePath(path(link)), let root = wholePath(root) else { return false }
    return target == root || target.hasPrefix(root.hasSuffix("/") ? root : root + "/")
  }

  private func path(_ relative: String) -> String { joined(root, relative) }

  private struct Identity: Hashable {
    let device: dev_t
    let inode: ino_t

    init(_ status: stat) {
      device = status.st_dev
      inode = status.st_ino
    }
  }
}

/// `folder/name`, or the other where one is empty.
func joined(_ folder: String, _ name: String) -> String {
  if folder.isEmpty || name.isEmpty { return folder + name }
  return folder.hasSuffix("/") ? folder + name : folder + "/" + name
}

/// The order of the bytes, which is the same in every locale.
func precedes(_ a: String, _ b: String) -> Bool {
  a.utf8.lexicographicallyPrecedes(b.utf8)
}
