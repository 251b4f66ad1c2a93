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
  /// a premature end, corrupt data (but data after the end of the image is not looked at). Only what
  /// leaves the picture whole is a mere flaw: data that belong to nothing before a marker of a JPEG or
  /// after the last row of a PNG, and a progressive JPEG that ends, properly, before its last scan,
  /// which is shown as far as it goes.
  ///
  /// - Parameter noteFlaw: called with a flaw in one line, where there is one.
  /// - Throws: `FileError`, also where the image is larger than `limits`, and then before any
  ///   memory is taken for it.
  public static func decode(
    contentsOf path: String, limits: DecodingLimits = .standard,
    noteFlaw: (String) -> Void = { _ in }
  ) throws -> Image {
    try decode(
      readImageFile(path, limits: limits), name: path, limits: limits, noteFlaw: noteFlaw)
  }

  /// The PNG or JPEG image in `bytes`; see `decode(contentsOf:limits:)`.
  /// - Parameter name: what an error calls the image, as a rule its path.
  public static func decode(
    _ bytes: [UInt8], name: String, limits: DecodingLimits = .standard,
    noteFlaw: (String) -> Void = { _ in }
  ) throws -> Image {
    try bytes.withUnsafeBytes {
      try decode($0, name: name, limits: limits, noteFlaw: noteFlaw)
    }
  }

  /// The PNG or JPEG image in `bytes`; see `decode(contentsOf:limits:)`.
  /// - Parameter name: what an error calls the image, as a rule its path.
  public static func decode(
    _ bytes: UnsafeRawBufferPointer, name: String, limits: DecodingLimits = .standard,
    noteFlaw: (String) -> Void = { _ in }
  ) throws -> Image {
    guard let format = Format(signature: bytes.prefix(8)) else {
      throw noImage(name, bytes.prefix(16))
    }
    func check<Result>(_ operation: (UnsafeMutablePointer<CChar>) -> Result?) throws -> Result {
      switch withMessage(operation) {
      case .success(let result): return result
      case .failure(let failure):
        throw FileError(
          name, expected: "a whole \(format.rawValue) image", found: failure.message)
      }
    }

    let picture = try check { OpenPicture(format, bytes, message: $0) }
    defer { picture.close() }
    let (width, height, channels) = picture.shape
    guard max(width, height) <= limits.maximumSide, width * height <= limits.maximumPixels else {
      throw FileError(
        name,
        expected: "at most \(limits.maximumSide) pixels a side and \(limits.maximumPixels) in all",
        found: "\(width)x\(height)")
    }
    var findings = codec_findings()
    let count = width * height * channels
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      try check { picture.decode(into: buffer.baseAddress!, &findings, message: $0) }
      initializedCount = count
    }
    if findings.flaw.0 != 0 {
      withUnsafeBytes(of: findings.flaw) {
        noteFlaw(String(cString: $0.assumingMemoryBound(to: CChar.self).baseAddress!))
      }
    }
    return Image(height: height, width: width, channels: channels, pixels: pixels)
      .upright(from: Int(findings.orientation))
  }

  /// The sides of the PNG or JPEG image in a file as they are stored, by its header. Throws a
  /// `FileError`.
  static func size(
    contentsOf path: String, limits: DecodingLimits
  ) throws -> (width: Int, height: Int) {
    try readImageFile(path, limits: limits).withUnsafeBytes { bytes in
      guard let format = Format(signature: bytes.prefix(8)) else {
        throw noImage(path, bytes.prefix(16))
      }
      switch withMessage({ OpenPicture(format, bytes, message: $0) }) {
      case .success(let picture):
        defer { picture.close() }
        return (picture.shape.width, picture.shape.height)
      case .failure(let failure):
        throw FileError(
          path, expected: "a whole \(format.rawValue) image", found: failure.message)
      }
    }
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
    return Image(height: newHeight, width: newWidth, channels: channels, pixels: result)
  }
}

/// A picture under decoding, in either format.
private struct OpenPicture {
  private enum Codec {
    case png(OpaquePointer)
    case jpeg(OpaquePointer)
  }
  private let codec: Codec
  let shape: (width: Int, height: Int, channels: Int)

  /// Nil where it failed, with the reason in `message`.
  init?(_ format: Format, _ bytes: UnsafeRawBufferPointer, message: UnsafeMutablePointer<CChar>) {
    let input = bytes.bindMemory(to: UInt8.self)
    var header = codec_header()
    let open = format == .png ? codec_png_open : codec_jpeg_open
    guard let picture = open(input.baseAddress, input.count, &header, message) else { return nil }
    codec = format == .png ? .png(picture) : .jpeg(picture)
    shape = (Int(header.width), Int(header.height), Int(header.channels))
  }

  /// Nil where it failed, with the reason in `message`.
  func decode(
    into pixels: UnsafeMutablePointer<UInt8>, _ findings: inout codec_findings,
    message: UnsafeMutablePointer<CChar>
  ) -> Void? {
    let status =
      switch codec {
      case .png(let picture): codec_png_decode(picture, pixels, &findings, message)
      case .jpeg(let picture): codec_jpeg_decode(picture, pixels, &findings, message)
      }
    return status == codec_done ? () : nil
  }

  func close() {
    switch codec {
    case .png(let picture): codec_png_close(picture)
    case .jpeg(let picture): codec_jpeg_close(picture)
    }
  }
}

/// Why a codec failed.
struct CodecFailure: Error {
  let message: String
}

/// The result of a codec's call, which gives nil and explains itself in its argument where it fails.
func withMessage<Result>(
  _ operation: (UnsafeMutablePointer<CChar>) -> Result?
) -> Swift.Result<Result, CodecFailure> {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CODEC_MESSAGE_CAPACITY)) { message in
    operation(message.baseAddress!).map { .success($0) }
      ?? .failure(CodecFailure(message: String(cString: message.baseAddress!)))
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

private func noImage(_ name: String, _ start: some Sequence<UInt8>) -> FileError {
  if let other = OtherImageFormat(signature: Array(start)) {
    return FileError(name, problem: other.advice)
  }
  return FileError(name, expected: "a PNG or JPEG image", found: "neither by its first bytes")
}

/// The bytes of a regular file that starts as an image does. A long one that does not is not read on.
private func readImageFile(_ path: String, limits: DecodingLimits) throws -> [UInt8] {
  let file = try OpenFile(reading: path)
  guard file.size <= limits.maximumFileBytes else {
    throw FileError(
      path, expected: "an image file of at most \(limits.maximumFileBytes) bytes",
      found: "\(file.size)")
  }
  let start = min(file.size, 1 << 16)
  return try [UInt8](unsafeUninitializedCapacity: file.size) { buffer, initializedCount in
    let bytes = UnsafeMutableRawBufferPointer(
      rebasing: UnsafeMutableRawBufferPointer(buffer)[..<file.size])
    try file.read(at: 0, into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<start]))
    guard Format(signature: bytes.prefix(min(8, start))) != nil else {
      throw noImage(path, bytes.prefix(min(16, start)))
    }
    try file.read(at: start, into: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
    initializedCount = file.size
  }
}
