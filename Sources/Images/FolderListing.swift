import Files
import Glibc

/// The files below a folder, as paths relative to it in the order of their bytes. What is hidden (a
/// leading dot) is left out.
struct FolderListing {
  /// Files named as PNG or JPEG.
  private(set) var pictures: [String] = []
  /// Everything else that is no folder, and folders that cannot be read.
  private(set) var skipped: [SkippedFile] = []

  private let root: String
  private var visited: Set<Identity> = []
  private var linkedFolders: [String] = []

  /// - Throws: `FileError` where the folder itself cannot be read.
  init(_ root: String) throws {
    self.root = root
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
  }

  private mutating func visitOrSkip(_ folder: String) {
    do {
      try visit(folder)
    } catch {
      skipped.append(SkippedFile(path: folder, reason: error.problem))
    }
  }

  private mutating func visit(_ folder: String) throws(FileError) {
    var status = stat()
    guard let stream = opendir(path(folder)), fstat(dirfd(stream), &status) == 0 else {
      throw FileError(path(folder), cannot: "open")
    }
    let isNew = visited.insert(Identity(status)).inserted
    var entries: [(path: String, status: stat)] = []
    while isNew, let entry = readdir(stream) {
      let bytes = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
      let name = bytes.assumingMemoryBound(to: CChar.self)
      guard name[0] != CChar(UInt8(ascii: ".")) else { continue }
      guard let valid = String(validatingCString: name) else {
        let repaired = String(cString: name)
        skipped.append(
          SkippedFile(path: joined(folder, repaired), reason: "its name is not UTF-8"))
        continue
      }
      guard fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
        skipped.append(
          SkippedFile(path: joined(folder, valid), reason: String(cString: strerror(errno))))
        continue
      }
      entries.append((joined(folder, valid), status))
    }
    closedir(stream)  // before going deeper: a deep tree would run out of open files
    for entry in entries { add(entry.path, entry.status) }
  }

  private mutating func add(_ file: String, _ status: stat) {
    var target = status
    let isLink = status.st_mode & S_IFMT == S_IFLNK
    if isLink, stat(path(file), &target) != 0 {
      skipped.append(
        SkippedFile(path: file, reason: "a link to nothing: \(String(cString: strerror(errno)))"))
    } else if target.st_mode & S_IFMT == S_IFDIR {
      if isLink { linkedFolders.append(file) } else { visitOrSkip(file) }
    } else if target.st_mode & S_IFMT != S_IFREG {
      skipped.append(SkippedFile(path: file, reason: "not a regular file"))
    } else if isNamedAsPicture(file) {
      pictures.append(file)
    } else {
      skipped.append(SkippedFile(path: file, reason: "not a PNG or JPEG file"))
    }
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

private func isNamedAsPicture(_ path: String) -> Bool {
  guard let dot = path.lastIndex(of: ".") else { return false }
  return ["png", "jpg", "jpeg", "jpe", "jfif"].contains(
    path[path.index(after: dot)...].lowercased())
}
