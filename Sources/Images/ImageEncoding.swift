import CImageCodecs
import Files
import Glibc

/// How small a PNG file is made.
public enum PNGEffort: Sendable {
  /// Of what repeats, runs alone: much faster; files of photographs and enlarged pictures are
  /// about as long, those that repeat a pattern longer.
  case quick
  /// Compression level 9.
  case smallest
}

extension Image {
  /// The image as a PNG file, 8 bits a sub-pixel, grey or RGB.
  public func encodedPNG(_ effort: PNGEffort = .smallest) -> [UInt8] {
    withEncodedPNG(filter: codec_filter_adaptive, effort) { [UInt8]($0) }
  }

  /// Bytes of the smallest PNG file at compression level 9 among those of the three filter strategies
  /// (of six) that promise most; on average 0.01 % above the smallest of all.
  public var optimisedPNGByteCount: Int { leastPNGByteCount(within: .infinity) }

  /// The same of the two that promise most: two thirds of the time, and on average 0.01 to 0.06 % longer. The
  /// complexity L of "input complexity" scores (Serrà 2020, arXiv:1909.11480), in bytes.
  public var promisingPNGByteCount: Int { leastPNGByteCount(within: 1) }

  private func leastPNGByteCount(within: Double) -> Int {
    var header = codec_header(
      width: UInt32(width), height: UInt32(height), channels: UInt32(channels))
    let count = codec_png_least_length(pixels, &header, within)
    if count == 0 { fatalError("PNG encoder: out of memory") }  // Nothing else can be.
    return count
  }

  /// Bytes of the files that the encoder itself makes, with each filter strategy: what
  /// `optimisedPNGByteCount` is one of.
  package var encodedPNGByteCounts: [Int] {
    [
      codec_filter_none, codec_filter_sub, codec_filter_up, codec_filter_average,
      codec_filter_paeth, codec_filter_adaptive,
    ].map { withEncodedPNG(filter: $0, .smallest, \.count) }
  }

  /// Writes the image as a PNG file, whole or not at all: what was at `path` before stays there
  /// until the new file is complete. See `AtomicFile` for links, pipes and `durable`.
  /// - Throws: `FileError`.
  public func writePNG(
    to path: String, _ effort: PNGEffort = .smallest, durable: Bool = false
  ) throws {
    try AtomicFile.write(encodedPNG(effort), to: path, durable: durable)
  }

  private func withEncodedPNG<Result>(
    filter: codec_png_filter, _ effort: PNGEffort, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    var header = codec_header(
      width: UInt32(width), height: UInt32(height), channels: UInt32(channels))
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let result = withMessage { message -> Void? in
      codec_png_encode(
        pixels, &header, filter,
        effort == .quick ? codec_effort_quick : codec_effort_smallest, &bytes, &count, message)
        == codec_done ? () : nil
    }
    if case .failure(let failure) = result {
      fatalError("PNG encoder: \(failure.message)")  // Out of memory: nothing else can be.
    }
    defer { free(bytes) }
    return body(UnsafeBufferPointer(start: bytes, count: count))
  }
}
