import CImageCodecs
import Files

/// Gzip (RFC 1952), inflated in memory by zlib.
enum Gzip {
  static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }

  /// Everything that `bytes` inflates to; an error once that exceeds `limit` bytes.
  static func inflate(_ bytes: [UInt8], path: String, limit: Int) throws -> [UInt8] {
    // The last four bytes are the length modulo 2^32: exact for most files, a claim for any.
    // Deflate makes at most 1032 bytes of one.
    let claimed = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    let possible = bytes.count.multipliedReportingOverflow(by: 1032)
    let most = possible.overflow ? limit : min(limit, possible.partialValue)
    var capacity = max(1, min(claimed, most))
    while true {
      var status = GUNZIP_DONE
      let inflated = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
        status = gunzip(bytes, bytes.count, output.baseAddress, capacity, &count)
      }
      switch status {
      case GUNZIP_DONE: return inflated
      case GUNZIP_FULL where capacity < limit: capacity = min(limit, 2 * capacity)
      case GUNZIP_FULL:
        throw FileError(path, problem: "inflates to more than the \(limit) bytes allowed")
      case GUNZIP_TRUNCATED:
        throw FileError(
          path, expected: "a whole gzip file", found: "its end after \(bytes.count) bytes")
      case GUNZIP_NO_MEMORY: throw FileError(path, problem: "not enough memory to inflate")
      default: throw FileError(path, expected: "gzip data", found: "damaged data")
      }
    }
  }
}
