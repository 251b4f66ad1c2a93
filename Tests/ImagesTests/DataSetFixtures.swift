import Foundation
import Images

/// An image no two of which are alike.
func testImage(_ index: Int, height: Int = 5, width: Int = 6, channels: Int = 1) -> Image {
  Image(
    height: height, width: width, channels: channels,
    pixels: (0..<width * height * channels).map {
      UInt8(truncatingIfNeeded: ($0 + 1) * (index + 3) + index >> 8)
    })
}

extension DataSet {
  var shape: [Int] { [count, height, width, channels] }
}

extension PixelBatch {
  var shape: [Int] { [count, height, width, channels] }
}

/// An 8×8 grey JPEG.
let smallJPEG = [UInt8](
  Data(
    base64Encoded: """
      /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZG\
      NywtQFdBRkxOUlNSMj5aYVpQYEpRUk//wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABf/EABgQAAID\
      AAAAAAAAAAAAAAAAAAAEBiEy/9oACAEBAAA/ABI+hmj/2Q==
      """)!)

// MARK: Array files

func littleEndian(_ number: Int, bytes: Int) -> [UInt8] {
  (0..<bytes).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
}

func idx(_ shape: [Int], _ values: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(shape.count)] + shape.flatMap(bigEndian) + values
}

func npy(_ type: String, _ shape: String, _ values: [UInt8], version: UInt8 = 1) -> [UInt8] {
  let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }   \n"
  return [0x93] + "NUMPY".utf8 + [version, 0]
    + littleEndian(header.utf8.count, bytes: version == 1 ? 2 : 4) + header.utf8 + values
}

/// One gzip member of a single stored block.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
  let sizes = littleEndian(bytes.count, bytes: 2) + littleEndian(~bytes.count, bytes: 2)
  return gzip(deflated: [1] + sizes + bytes, checksum: crc32(bytes), count: bytes.count)
}

/// One gzip member that inflates to `matches` · 258 + 1 zeros: a match takes 13 bits.
func gzipBomb(matches: Int) -> [UInt8] {
  var bits = [1, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]  // last block, fixed codes; literal 0
  for _ in 0..<matches { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }  // 258 back 1
  bits += [Int](repeating: 0, count: 7 + 7)  // end of block; padding
  let deflated = stride(from: 0, to: bits.count - 7, by: 8).map { at in
    UInt8((0..<8).reduce(0) { $0 | bits[at + $1] << $1 })
  }
  let count = matches * 258 + 1
  return gzip(
    deflated: deflated, checksum: crc32([UInt8](repeating: 0, count: count)), count: count)
}

private func gzip(deflated: [UInt8], checksum: UInt32, count: Int) -> [UInt8] {
  [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] + deflated + littleEndian(Int(checksum), bytes: 4)
    + littleEndian(count, bytes: 4)
}

func crc32(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~0) { crc, byte in
    (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1
    }
  }
}
