import CImageCodecs
import Files

/// What a file may ask for before it is refused unread.
public struct DecodingLimits: Equatable, Sendable {
  /// Pixels of the longer side, 32 768 as standard.
  public var maximumSide: Int
  /// Pixels of the whole image, 2²⁶ as standard (8192 × 8192). Decoding takes at most 3 bytes a pixel
  /// for the image, then 3 more where it is turned, and beside it 8 for the coefficients of a
  /// progressive JPEG.
  public var maximumPixels: Int
  /// Bytes of a file, 2³⁰ as standard.
  public var maximumFileBytes: Int

  public init(
    maximumSide: Int = 1 << 15, maximumPixels: Int = 1 << 26, maximumFileBytes: Int = 1 << 30
  ) {
    self.maximumSide = maximumSide
    self.maximumPixels = maximumPixels
    self.maximumFileBytes = maximumFileBytes
  }

  public static let standard = DecodingLimits()
}

extension Image {
  /// The PNG or JPEG image in a file, 8 bits a sub-pixel, as a person would see it.
  ///
  /// ```swift
  /// let image = try Image.decode(contentsOf: "photograph.jpg")
  /// ```
  ///
  /// The first bytes decide the format, the file's name does not. Then
  /// - 16 bits are rounded to 8, fewer are stretched to 0 … 255, palettes are looked up;
  /// - what is transparent shows white, by alpha, palette or colour key;
  /// - CMYK and YCCK become RGB by multiplying what each ink lets through;
  /// - the EXIF orientation is applied, in JPEG and PNG;
  /// - grey stays one channel, all else is RGB;
  /// - sample values are otherwise as stored: gamma and colour profiles are not applied.
  ///
  /// A file must be whole and sound. Whatever the decoders complain about is an error: a checksum,
  /// a premature end, corrupt data (but data after the end of the image is not looked at).
  ///
  /// - Throws: `FileError`, also where the image is larger than `limits`, and then before any
  ///   memory is taken for it.
  public static func decode(
    contentsOf path: String, limits: DecodingLimits = .standard
  ) throws -> Image {
    try decode(readImageFile(path, limits: limits), name: path, limits: limits)
  }

  /// The PNG or JPEG image in `bytes`; see `decode(contentsOf:limits:)`.
  /// - Parameter name: what an error calls the image, as a rule its path.
  public static func decode(
    _ bytes: [UInt8], name: String, limits: DecodingLimits = .standard
  ) throws -> Image {
    try bytes.withUnsafeBytes { try decode($0, name: name, limits: limits) }
  }

  /// The PNG or JPEG image in `bytes`; see `decode(contentsOf:limits:)`.
  /// - Parameter name: what an error calls the image, as a rule its path.
  public static func decode(
    _ bytes: UnsafeRawBufferPointer, name: String, limits: DecodingLimits = .standard
  ) throws -> Image {
    guard let format = Format(signature: bytes.prefix(8)) else { throw noImage(name) }
    let input = bytes.bindMemory(to: UInt8.self)
    func check(
      _ operation: (UnsafeMutablePointer<CChar>) -> codec_status
    ) throws {
      if let message = failureMessage(of: operation) {
        throw FileError(name, expected: "a whole \(format.rawValue) image", found: message)
      }
    }

    var header = codec_header()
    try check { message in
      switch format {
      case .png: codec_png_read_header(input.baseAddress, input.count, &header, message)
      case .jpeg: codec_jpeg_read_header(input.baseAddress, input.count, &header, message)
      }
    }
    let (width, height, channels) = (Int(header.width), Int(header.height), Int(header.channels))
    guard max(width, height) <= limits.maximumSide, width * height <= limits.maximumPixels else {
      throw FileError(
        name,
        expected: "at most \(limits.maximumSide) pixels a side and \(limits.maximumPixels) in all",
        found: "\(width)x\(height)")
    }

    var orientation: Int32 = 1
    let count = width * height * channels
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      try check { message in
        let output = buffer.baseAddress
        return switch format {
        case .png:
          codec_png_decode(input.baseAddress, input.count, &header, output, &orientation, message)
        case .jpeg:
          codec_jpeg_decode(
            input.baseAddress, input.count, &header, output, &orientation, message)
        }
      }
      initializedCount = count
    }
    return Image(width: width, height: height, channels: channels, pixels: pixels)
      .upright(from: Int(orientation))
  }

  /// The image that a viewer shows for stored pixels of an EXIF orientation, 1 … 8
  /// (CIPA DC-008, 4.6.5.1).
  private func upright(from orientation: Int) -> Image {
    if orientation == 1 { return self }
    let isTransposed = orientation >= 5
    let (newWidth, newHeight) = isTransposed ? (height, width) : (width, height)
    let mirrorsX = [2, 3, 7, 8].contains(orientation)
    let mirrorsY = [3, 4, 6, 7].contains(orientation)
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let (column, row) = isTransposed ? (y, x) : (x, y)
        let from =
          (mirrorsY ? height - 1 - row : row) * width
          + (mirrorsX ? width - 1 - column : column)
        for c in 0..<channels { result.append(pixels[from * channels + c]) }
      }
    }
    return Image(width: newWidth, height: newHeight, channels: channels, pixels: result)
  }
}

/// The message of a codec that failed, or nil.
func failureMessage(of operation: (UnsafeMutablePointer<CChar>) -> codec_status) -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CODEC_MESSAGE_CAPACITY)) { message in
    operation(message.baseAddress!) == codec_done ? nil : String(cString: message.baseAddress!)
  }
}

private enum Format: String {
  case png = "PNG"
  case jpeg = "JPEG"

  init?(signature: some Sequence<UInt8>) {
    if signature.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
      self = .png
    } else if signature.starts(with: [0xff, 0xd8, 0xff]) {
      self = .jpeg
    } else {
      return nil
    }
  }
}

private func noImage(_ name: String) -> FileError {
  FileError(name, expected: "a PNG or JPEG image", found: "neither by its first bytes")
}

/// The bytes of a regular file that starts as an image does. A file that does not is not read on.
private func readImageFile(_ path: String, limits: DecodingLimits) throws -> [UInt8] {
  let file = try OpenFile(reading: path)
  guard file.size <= limits.maximumFileBytes else {
    throw FileError(
      path, expected: "an image file of at most \(limits.maximumFileBytes) bytes",
      found: "\(file.size)")
  }
  guard file.size >= 8 else { throw noImage(path) }
  return try [UInt8](unsafeUninitializedCapacity: file.size) { buffer, initializedCount in
    let start = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<8])
    try file.read(at: 0, into: start)
    guard Format(signature: start) != nil else { throw noImage(path) }
    try file.read(
      at: 8,
      into: UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(buffer)[8..<file.size]))
    initializedCount = file.size
  }
}
