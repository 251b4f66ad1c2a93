import Glibc

/// Files read whole, with their size bounded.
enum FileBytes {
  /// The bytes of the regular file at `path`.
  static func read(_ path: String, limit: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try read(path, limit: limit, into: &bytes)
    return bytes
  }

  /// The same into a buffer that is used again and again.
  static func read(_ path: String, limit: Int, into bytes: inout [UInt8]) throws {
    // Without O_NONBLOCK, opening a named pipe waits for somebody to write to it.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw DataError(path, systemReason()) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw DataError(path, systemReason()) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw DataError(path, "not a regular file") }
    guard status.st_size <= limit else {
      throw DataError(path, expected: "at most \(limit) bytes", found: "\(status.st_size)")
    }

    let size = Int(status.st_size)
    if bytes.count > size {
      bytes.removeLast(bytes.count - size)
    } else {
      bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
    }
    var filled = 0
    while filled < size {
      let got = bytes.withUnsafeMutableBytes {
        Glibc.read(file, $0.baseAddress! + filled, size - filled)
      }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw DataError(path, systemReason()) }
      guard got > 0 else {
        throw DataError(path, expected: "\(size) bytes", found: "its end after \(filled)")
      }
      filled += got
    }
  }
}

/// The last system error in words.
func systemReason() -> String { String(cString: strerror(errno)) }

/// Bytes of memory in this machine.
func physicalMemory() -> Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }
