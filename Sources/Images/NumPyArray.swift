import Files

/// One `.npy` array (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html) as
/// images.
///
/// Values: `uint8` intensities 0 … 255, `bool`, or little-endian `float32`/`float64` 0 … 1, of which
/// v becomes the intensity 255 v, rounded. Shapes, in C order: `[H, W]` (one image), `[N, H, W]`,
/// `[N, H, W, C]` and `[N, C, H, W]`, C being 1 or 3. A shape that can be read in two ways is refused.
enum NumPyArray {
  static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x93] + "NUMPY".utf8) }

  static func images(_ bytes: [UInt8], path: String) throws -> DataSet {
    let (header, start) = try header(of: bytes, path: path)
    let layout = try layout(of: header.shape, path: path)
    let values = bytes[start...]
    guard try checkedProduct(header.shape + [width(of: header, path: path)]) == values.count else {
      throw FileError(
        path, expected: "\(header.type) values of shape \(header.shape)",
        found: "\(values.count) bytes")
    }

    let (intensities, isBinary) =
      switch header.type {
      case "|u1": (try bytesAsIntensities(values, path: path), false)
      case "|b1": (try truthsAsIntensities(values, path: path), true)
      case "<f4":
        try numbersAsIntensities(values, of: UInt32.self, path: path) {
          Double(Float(bitPattern: UInt32(littleEndian: $0)))
        }
      default:
        try numbersAsIntensities(values, of: UInt64.self, path: path) {
          Double(bitPattern: UInt64(littleEndian: $0))
        }
      }
    return DataSet(
      height: layout.height, width: layout.width, channels: layout.channels,
      pixels: layout.isPlanar
        ? interleaved(
          planes: intensities, channels: layout.channels, area: layout.height * layout.width)
        : intensities,
      names: itemNames(of: path, count: layout.count), levelsOfSource: isBinary ? 2 : 256)
  }

  /// How long a file is by its header, with which `bytes` begin; nil for a length that nothing has.
  static func byteCount(header bytes: [UInt8], path: String) throws -> Int? {
    let (header, start) = try header(of: bytes, path: path)
    return try checkedProduct(header.shape + [width(of: header, path: path)])
      .flatMap { checkedSum($0, start) }
  }

  /// Bytes a value.
  private static func width(of header: Header, path: String) throws -> Int {
    guard let width = ["|u1": 1, "|b1": 1, "<f4": 4, "<f8": 8][header.type] else {
      throw FileError(path, expected: "values of type |u1, |b1, <f4 or <f8", found: header.type)
    }
    return width
  }

  // MARK: Values

  private static func bytesAsIntensities(_ values: ArraySlice<UInt8>, path: String) throws
    -> [UInt8]
  {
    // Read as intensities these would all be black, and a model would learn exactly that.
    guard values.max() != 1 else {
      throw FileError(path, expected: "uint8 values 0 ... 255", found: "only 0 and 1; save as bool")
    }
    return Array(values)
  }

  private static func truthsAsIntensities(_ values: ArraySlice<UInt8>, path: String) throws
    -> [UInt8]
  {
    if let index = values.firstIndex(where: { $0 > 1 }) {
      throw FileError(
        path, expected: "bool values 0 or 1",
        found: "\(values[index]) at index \(index - values.startIndex)")
    }
    return values.map { $0 * 255 }
  }

  private static func numbersAsIntensities<Bits: FixedWidthInteger>(
    _ values: ArraySlice<UInt8>, of: Bits.Type, path: String, number: (Bits) -> Double
  ) throws -> (intensities: [UInt8], isBinary: Bool) {
    let width = MemoryLayout<Bits>.size
    var isBinary = true
    let intensities = try values.withUnsafeBytes { values in
      try (0..<values.count / width).map { index in
        let value = number(values.loadUnaligned(fromByteOffset: index * width, as: Bits.self))
        guard (0...1).contains(value) else {  // refuses NaN too
          throw FileError(
            path, expected: "floating-point values 0 ... 1", found: "\(value) at index \(index)")
        }
        isBinary = isBinary && (value == 0 || value == 1)
        return UInt8((value * 255).rounded())
      }
    }
    return (intensities, isBinary)
  }

  // MARK: Shape

  private struct Layout {
    var count, height, width, channels: Int
    var isPlanar = false
  }

  private static func layout(of shape: [Int], path: String) throws -> Layout {
    func canBeChannels(_ size: Int) -> Bool { size == 1 || size == 3 }
    func ambiguous(_ one: String, _ other: String) -> FileError {
      FileError(
        path, expected: "a shape that is read one way",
        found: "\(shape), which may be \(one) or \(other)")
    }
    let layout: Layout
    switch shape.count {
    case 2:
      layout = Layout(count: 1, height: shape[0], width: shape[1], channels: 1)
    case 3 where canBeChannels(shape[2]):
      throw ambiguous("[N, H, W]", "[H, W, C]; add an axis")
    case 3:
      layout = Layout(count: shape[0], height: shape[1], width: shape[2], channels: 1)
    case 4 where canBeChannels(shape[1]) && canBeChannels(shape[3]):
      throw ambiguous("[N, H, W, C]", "[N, C, H, W]")
    case 4 where canBeChannels(shape[3]):
      layout = Layout(count: shape[0], height: shape[1], width: shape[2], channels: shape[3])
    case 4 where canBeChannels(shape[1]):
      layout = Layout(
        count: shape[0], height: shape[2], width: shape[3], channels: shape[1], isPlanar: true)
    default:
      throw FileError(
        path,
        expected: "shape [H, W], [N, H, W], [N, H, W, C] or [N, C, H, W] with C = 1 or 3",
        found: "\(shape)")
    }
    guard layout.count > 0, layout.height > 0, layout.width > 0 else {
      throw FileError(path, expected: "at least one image", found: "shape \(shape)")
    }
    return layout
  }

  // MARK: Header

  private struct Header {
    var type: String
    var shape: [Int]
  }

  /// The header and where the values begin.
  private static func header(of bytes: [UInt8], path: String) throws -> (Header, start: Int) {
    // 6 bytes of magic, 2 of version, then the header's length in 2 bytes (version 1) or 4.
    let lengthBytes = bytes.count > 6 && bytes[6] == 1 ? 2 : 4
    let textStart = 8 + lengthBytes
    guard recognises(bytes), bytes.count >= textStart else {
      throw FileError(path, expected: "an npy header", found: "\(bytes.count) bytes")
    }
    guard (1...3).contains(bytes[6]) else {
      throw FileError(path, expected: "npy version 1, 2 or 3", found: "\(bytes[6])")
    }
    let length = bytes[8..<textStart].reversed().reduce(0) { $0 << 8 | Int($1) }
    let start = textStart + length
    guard bytes.count >= start else {
      throw FileError(
        path, expected: "an npy header of \(start) bytes", found: "\(bytes.count) bytes")
    }
    let text = String(decoding: bytes[textStart..<start], as: UTF8.self)
    guard let type = value(of: "descr", in: text).flatMap({ inside("'", $0, "'") }),
      let shapeText = value(of: "shape", in: text).flatMap({ inside("(", $0, ")") }),
      let order = value(of: "fortran_order", in: text)?.prefix(while: \.isLetter)
    else {
      throw FileError(
        path, expected: "'descr', 'fortran_order' and 'shape' in the npy header",
        found: "\"\(text.prefix(80))\"")
    }
    guard order == "False" else {
      throw FileError(path, expected: "C order", found: "fortran_order \(order)")
    }
    // "(7,)" ends in a comma that separates nothing.
    let items = shapeText.filter { $0 != " " }.split(separator: ",")
    let shape = items.compactMap { Int($0) }
    guard shape.count == items.count else {
      throw FileError(path, expected: "a shape of whole numbers", found: "(\(shapeText))")
    }
    return (Header(type: type, shape: shape), start)
  }

  /// The text right after `'key':` in a Python dictionary.
  private static func value(of key: String, in text: String) -> Substring? {
    text.firstRange(of: "'\(key)':").map { text[$0.upperBound...].drop { $0 == " " } }
  }

  /// What stands between `open`, with which `text` has to begin, and `close`.
  private static func inside(
    _ open: Character, _ text: Substring, _ close: Character
  ) -> String? {
    guard text.first == open else { return nil }
    let rest = text.dropFirst()
    return rest.firstIndex(of: close).map { String(rest[..<$0]) }
  }
}
