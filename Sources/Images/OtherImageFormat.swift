/// Formats of images that are not read, known by name so that a person is told what to do with them.
enum OtherImageFormat: CaseIterable {
  case heic, avif, webp, bmp, tiff, gif

  /// By a file's extension, in small letters.
  init?(extension name: Substring) {
    guard let match = Self.allCases.first(where: { $0.extensions.contains(String(name)) }) else {
      return nil
    }
    self = match
  }

  /// By a file's first 16 bytes.
  init?(signature: [UInt8]) {
    func has(_ text: String, at offset: Int = 0) -> Bool {
      signature.dropFirst(offset).starts(with: text.utf8)
    }
    if has("GIF87a") || has("GIF89a") {
      self = .gif
    } else if has("RIFF"), has("WEBP", at: 8) {
      self = .webp
    } else if signature.starts(with: [0x49, 0x49, 42, 0])
      || signature.starts(with: [0x4d, 0x4d, 0, 42])
    {
      self = .tiff
    } else if has("ftyp", at: 4) {
      // ISO/IEC 23008-12, 10: the brands of still images and of their sequences.
      if ["avif", "avis"].contains(where: { has($0, at: 8) }) {
        self = .avif
      } else if ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
        .contains(where: { has($0, at: 8) })
      {
        self = .heic
      } else {
        return nil
      }
    } else if has("BM"), signature.dropFirst(6).starts(with: [0, 0, 0, 0]) {
      self = .bmp
    } else {
      return nil
    }
  }

  private var extensions: [String] {
    switch self {
    case .heic: ["heic", "heif", "hif"]
    case .avif: ["avif"]
    case .webp: ["webp"]
    case .bmp: ["bmp", "dib"]
    case .tiff: ["tif", "tiff"]
    case .gif: ["gif"]
    }
  }

  /// What the file is, and what makes a PNG file of it.
  var advice: String {
    switch self {
    case .heic: "a HEIC image; convert it to PNG first, as with heif-convert"
    case .avif: "an AVIF image; convert it to PNG first, as with heif-convert"
    case .webp: "a WebP image; convert it to PNG first, as with dwebp"
    case .bmp: "a BMP image; convert it to PNG first, as with ImageMagick's convert"
    case .tiff: "a TIFF image; convert it to PNG first, as with ImageMagick's convert"
    case .gif: "a GIF image; convert it to PNG first, as with ImageMagick's convert"
    }
  }
}
