import Files

/// The binary version of CIFAR-10 and CIFAR-100: records of one label byte (CIFAR-100: coarse, then
/// fine) and 3 · 32 · 32 bytes, plane by plane (https://www.cs.toronto.edu/~kriz/cifar.html).
enum CIFARBinary {
  private static let side = 32
  private static let values = 3 * side * side

  /// Whether `bytes` can be whole records: the format has no header.
  static func recognises(_ bytes: [UInt8]) -> Bool { labelBytes(bytes) != nil }

  /// 32×32 RGB images; of CIFAR-100's two labels the fine one.
  static func images(_ bytes: [UInt8], path: String) throws -> DataSet {
    guard let labelBytes = labelBytes(bytes) else {
      throw FileError(
        path, expected: "CIFAR records of \(values + 1) or \(values + 2) bytes",
        found: "\(bytes.count) bytes")
    }
    let record = labelBytes + values
    let classes = labelBytes == 1 ? 10 : 100
    let count = bytes.count / record
    var planes: [UInt8] = []
    planes.reserveCapacity(count * values)
    var labels: [Int] = []
    for index in 0..<count {
      let start = index * record + labelBytes
      let label = Int(bytes[start - 1])
      guard label < classes else {
        throw FileError(
          path, expected: "a label 0 ..< \(classes) in record \(index)", found: "\(label)")
      }
      labels.append(label)
      planes += bytes[start..<start + values]
    }
    return DataSet(
      height: side, width: side, channels: 3,
      pixels: interleaved(planes: planes, channels: 3, area: side * side),
      names: itemNames(of: path, count: count), labels: labels,
      classNames: (0..<classes).map(String.init))
  }

  /// 1 or 2, by which record size divides the file. Where both do, CIFAR-10 if its labels are valid.
  private static func labelBytes(_ bytes: [UInt8]) -> Int? {
    guard !bytes.isEmpty else { return nil }
    let fits = [1, 2].filter { bytes.count.isMultiple(of: $0 + values) }
    guard fits.count == 2 else { return fits.first }
    let starts = stride(from: 0, to: bytes.count, by: 1 + values)
    return starts.allSatisfy { bytes[$0] < 10 } ? 1 : 2
  }
}

/// `[N, C, area] -> [N, area, C]`
func interleaved(planes: [UInt8], channels: Int, area: Int) -> [UInt8] {
  if channels == 1 { return planes }
  return [UInt8](unsafeUninitializedCapacity: planes.count) { output, count in
    planes.withUnsafeBufferPointer { planes in
      for image in stride(from: 0, to: planes.count, by: channels * area) {
        for channel in 0..<channels {
          let plane = image + channel * area
          for pixel in 0..<area {
            output[image + pixel * channels + channel] = planes[plane + pixel]
          }
        }
      }
    }
    count = planes.count
  }
}
