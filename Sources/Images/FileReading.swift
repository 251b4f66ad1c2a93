import Glibc

/// The bytes of the regular file at `path`; refused unread where it has more than `limit`.
func readFile(_ path: String, limit: Int) throws -> [UInt8] {
  // Without O_NONBLOCK, opening a named pipe waits for somebody to write to it.
  let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard file >= 0 else { throw DataError(path, systemReason()) }
  defer { close(file) }
  var status = stat()
  guard fstat(file, &status) == 0 else { throw DataError(path, systemReason()) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw DataError(path, "not a regular file") }
  let size = Int(status.st_size)
  guard size <= limit else {
    throw DataError(path, expected: "at most \(limit) bytes", found: "\(size)")
  }
  return try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
    while filled < size {
      let got = read(file, buffer.baseAddress! + filled, size - filled)
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
