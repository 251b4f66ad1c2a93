/// A PNG file put together chunk by chunk, so that tests reach forms (and faults) that no encoder
/// writes. Rows are unfiltered and stored without compression.
struct PNGFile {
  enum Colour: UInt8 {
    case grey = 0
    case rgb = 2
    case palette = 3
    case greyAlpha = 4
    case rgbAlpha = 6

    var samples: Int {
      switch self {
      case .grey, .palette: 1
      case .greyAlpha: 2
      case .rgb: 3
      case .rgbAlpha: 4
      }
    }
  }

  var width: Int
  var height: Int
  var depth: Int
  var colour: Colour
  var isInterlaced = false
  var beforeData: [[UInt8]] = []
  var afterData: [[UInt8]] = []
  /// The samples of pixel (x, y), each 0 ..< 2^depth.
  var samples: (_ x: Int, _ y: Int) -> [Int]

  var bytes: [UInt8] {
    let header =
      bigEndian(width) + bigEndian(height)
      + [UInt8(depth), colour.rawValue, 0, 0, isInterlaced ? 1 : 0]
    var chunks = [Self.chunk("IHDR", header)]
    chunks += beforeData
    chunks.append(Self.chunk("IDAT", stored(rows)))
    chunks += afterData
    chunks.append(Self.chunk("IEND", []))
    return Self.signature + chunks.flatMap { $0 }
  }

  static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = type.utf8 + data
    return bigEndian(data.count) + body + bigEndian(Int(cyclicRedundancy(body)))
  }

  /// Every row of every pass, each after its filter byte.
  private var rows: [UInt8] {
    // First column and row, then the steps (PNG specification, 8.2).
    let adam7 = [
      (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
      (0, 1, 1, 2),
    ]
    var result: [UInt8] = []
    for (x0, y0, dx, dy) in isInterlaced ? adam7 : [(0, 0, 1, 1)] where x0 < width {
      for y in stride(from: y0, to: height, by: dy) {
        result.append(0)
        result += packed(stride(from: x0, to: width, by: dx).flatMap { samples($0, y) })
      }
    }
    return result
  }

  private func packed(_ row: [Int]) -> [UInt8] {
    if depth == 16 { return row.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
    let perByte = 8 / depth
    return stride(from: 0, to: row.count, by: perByte).map { start in
      var byte = 0
      for i in 0..<perByte {
        byte = byte << depth | (start + i < row.count ? row[start + i] : 0)
      }
      return UInt8(byte)
    }
  }
}

func bigEndian(_ value: Int) -> [UInt8] {
  [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// A zlib stream (RFC 1950) of one stored block.
private func stored(_ data: [UInt8]) -> [UInt8] {
  precondition(data.count < 65536)
  let (low, high) = (UInt8(data.count & 255), UInt8(data.count >> 8))
  var (a, b) = (1, 0)
  for byte in data {
    a = (a + Int(byte)) % 65521
    b = (b + a) % 65521
  }
  return [0x78, 0x01, 0x01, low, high, ~low, ~high] + data + bigEndian(b << 16 | a)
}

/// CRC-32 (ISO 3309), bit by bit.
private func cyclicRedundancy(_ bytes: [UInt8]) -> UInt32 {
  var crc: UInt32 = 0xffff_ffff
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
  }
  return ~crc
}
