import CImageCodecs
import Files

/// Gzip (RFC 1952), inflated in memory by zlib.
enum Gzip {
  /// How much a file may inflate to.
  enum Length {
    /// What the header of the file inside says: no byte more is made.
    case exactly(Int)
    /// Nobody knows beforehand. What grows more than 500-fold, over 16 MiB, is no data set.
    case unknown
  }

  /// How much of one compressed byte deflate can make at most.
  private static let mostOfOne = 1032

  static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

  /// The first bytes that `bytes` inflates to, up to `length` of them: what a header is read from.
  static func start(of bytes: [UInt8], length: Int, path: String) throws -> [UInt8] {
    let (start, status) = inflate(bytes, capacity: length)
    guard status == GUNZIP_DONE || status == GUNZIP_FULL else {
      throw error(status, bytes, path: path)
    }
    return start
  }

  /// Everything that `bytes` inflates to; an error once that exceeds `length`, or `limit` bytes.
  static func inflate(
    _ bytes: [UInt8], path: String, length: Length, limit: Int
  ) throws -> [UInt8] {
    switch length {
    case .exactly(let length):
      guard length <= limit else { throw tooLong(limit, path: path) }
      guard length / mostOfOne <= bytes.count else {
        throw FileError(
          path, expected: "the \(length) bytes of its header", found: "fewer, \(bytes.count) packed"
        )
      }
      let (inflated, status) = inflate(bytes, capacity: max(1, length))
      if status == GUNZIP_FULL {
        throw FileError(path, expected: "the \(length) bytes of its header", found: "more")
      }
      guard status == GUNZIP_DONE else { throw error(status, bytes, path: path) }
      return inflated
    case .unknown:
      // The last four bytes are the length modulo 2^32: exact for most files, a claim for any.
      let claimed = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      let possible = bytes.count.multipliedReportingOverflow(by: mostOfOne)
      let most = possible.overflow ? limit : min(limit, possible.partialValue)
      var capacity = max(1, min(claimed, most))
      while true {
        let (inflated, status) = inflate(bytes, capacity: capacity, mostOfOne: 500)
        if status == GUNZIP_DONE { return inflated }
        guard status == GUNZIP_FULL else { throw error(status, bytes, path: path) }
        guard capacity < limit else { throw tooLong(limit, path: path) }
        capacity = min(limit, 2 * capacity)
      }
    }
  }

  private static func inflate(
    _ bytes: [UInt8], capacity: Int, mostOfOne: Int = 0
  ) -> ([UInt8], gunzip_status) {
    var status = GUNZIP_DONE
    let inflated = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
      status = gunzip(bytes, bytes.count, output.baseAddress, capacity, mostOfOne, &count)
    }
    return (inflated, status)
  }

  private static func tooLong(_ limit: Int, path: String) -> FileError {
    FileError(path, problem: "inflates to more than the \(limit) bytes allowed")
  }

  private static func error(_ status: gunzip_status, _ bytes: [UInt8], path: String) -> FileError {
    switch status {
    case GUNZIP_TRUNCATED:
      FileError(path, expected: "a whole gzip file", found: "its end after \(bytes.count) bytes")
    case GUNZIP_BOMB:
      FileError(path, expected: "packed images", found: "data that grow more than 500-fold")
    case GUNZIP_NO_MEMORY: FileError(path, problem: "not enough memory to inflate")
    default: FileError(path, expected: "gzip data", found: "damaged data")
    }
  }
}
