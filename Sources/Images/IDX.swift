import Files

/// The IDX format of MNIST: `0 0 type rank`, then a big-endian 32-bit count a dimension, then the
/// values (http://yann.lecun.com/exdb/mnist/, "The IDX file format"). Only unsigned bytes are read.
enum IDX {
  static func recognises(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 4 && bytes[0] == 0 && bytes[1] == 0
      && (bytes[2] == 8 || (0x09...0x0e).contains(bytes[2])) && (1...4).contains(bytes[3])
  }

  /// Images `[N, H, W]` or `[N, H, W, C]`.
  static func images(_ bytes: [UInt8], path: String) throws -> DataSet {
    let (shape, values) = try array(bytes, path: path)
    let channels = shape.count == 4 ? shape[3] : 1
    guard shape.count >= 3, channels == 1 || channels == 3, shape[0] > 0, shape[1] > 0, shape[2] > 0
    else {
      throw FileError(
        path, expected: "IDX images [N, H, W] or [N, H, W, 1 or 3]", found: "shape \(shape)")
    }
    return DataSet(
      height: shape[1], width: shape[2], channels: channels, pixels: Array(values),
      names: itemNames(of: path, count: shape[0]))
  }

  /// Labels `[N]`, each 0 … 255.
  static func labels(_ bytes: [UInt8], path: String) throws -> [Int] {
    let (shape, values) = try array(bytes, path: path)
    guard shape.count == 1 else {
      throw FileError(path, expected: "IDX labels [N]", found: "shape \(shape)")
    }
    return values.map(Int.init)
  }

  /// The file of labels that belongs to a file of images: `train-labels-idx1-ubyte` for
  /// `train-images-idx3-ubyte`, compressed or not. Nil for another name.
  static func labelName(forImages path: String) -> String? {
    let name = lastComponent(of: path)
    guard let images = name.firstRange(of: "images-idx") else { return nil }
    let rank = name[images.upperBound...]
    guard rank.first == "3" || rank.first == "4" else { return nil }
    return name[..<images.lowerBound] + "labels-idx1" + rank.dropFirst()
  }

  /// How long a file is by its header, with which `bytes` begin; nil for a length that nothing has.
  static func byteCount(header bytes: [UInt8], path: String) throws -> Int? {
    let (shape, start) = try header(bytes, path: path)
    return checkedProduct(shape).flatMap { checkedSum($0, start) }
  }

  private static func array(
    _ bytes: [UInt8], path: String
  ) throws -> (shape: [Int], values: ArraySlice<UInt8>) {
    let (shape, start) = try header(bytes, path: path)
    guard checkedProduct(shape) == bytes.count - start else {
      throw FileError(
        path, expected: "as many values as the shape \(shape) has",
        found: "\(bytes.count - start)")
    }
    return (shape, bytes[start...])
  }

  /// The shape and where the values begin.
  private static func header(
    _ bytes: [UInt8], path: String
  ) throws -> (shape: [Int], start: Int) {
    guard recognises(bytes) else {
      throw FileError(path, expected: "an IDX header", found: "another file")
    }
    guard bytes[2] == 8 else {
      throw FileError(path, expected: "IDX of type 8 (unsigned byte)", found: "type \(bytes[2])")
    }
    let start = 4 + 4 * Int(bytes[3])
    guard bytes.count >= start else {
      throw FileError(
        path, expected: "an IDX header of \(start) bytes", found: "\(bytes.count) bytes")
    }
    let shape = stride(from: 4, to: start, by: 4).map { at in
      bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    return (shape, start)
  }
}

/// `file#0`, `file#1`, …: what the images in one file are called.
func itemNames(of path: String, count: Int) -> [String] {
  let file = lastComponent(of: path)
  return (0..<count).map { "\(file)#\($0)" }
}

func lastComponent(of path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}
