import Foundation
import Images
import Models

/// What scores are computed from: one image, and all that one pass of the model says of it.
///
/// With s_i = −log₂ p(x_i | x_<i), each sub-pixel has its surprise, the mean and the variance of that
/// under the model itself, and its probability integral transform. They are there where a score
/// `needs` them; asking for another is a programmer's error.
public struct Evidence: Sendable {
  /// What a score asks for beyond the surprise. One walk over the images computes the union.
  public struct Needs: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The model's own entropy, and the variance of surprise about it, a sub-pixel.
    public static let moments = Needs(rawValue: 1)
    /// The probability integral transform, a sub-pixel.
    public static let pit = Needs(rawValue: 2)
    /// The length of the image by a lossless code that knows no other image.
    public static let losslessLength = Needs(rawValue: 4)
    /// What is learned from held-out normal images: a calibrated run.
    public static let normals = Needs(rawValue: 8)
  }

  private let pixels: PixelEncoding
  private let batch: PixelBatch
  private let place: Int
  private let measures: Measures
  /// Bits of all its sub-pixels, −log₂ p(x).
  public let bits: Double
  private let losslessBytes: Int?

  init(
    _ place: Int, of batch: PixelBatch, _ pixels: PixelEncoding, _ measures: Measures,
    _ needs: Needs
  ) {
    self.pixels = pixels
    self.batch = batch
    self.place = place
    self.measures = measures
    let range = place * batch.dimension..<(place + 1) * batch.dimension
    bits = measures.surprise.withUnsafeBufferPointer { surprise in
      range.reduce(0.0) { $0 + Double(surprise[$1]) }
    }
    losslessBytes =
      needs.contains(.losslessLength)
      ? pixels.image(from: batch, at: place).optimisedPNGByteCount : nil
  }

  /// −log p(x), nats.
  public var nats: Double { bits * M_LN2 }

  /// Sub-pixels: H·W·C.
  public var dimension: Int { batch.dimension }

  /// The image as the model sees it.
  public var image: Image { pixels.image(from: batch, at: place) }

  /// s_i, bits, `[H, W, C]`.
  public var surprise: ArraySlice<Float> { part(of: measures.surprise, "surprise") }

  /// H_i, the mean of s_i under the model, bits, `[H, W, C]`.
  public var entropy: ArraySlice<Float> { part(of: measures.entropy, "moments") }

  /// v_i, the variance of s_i under the model, bits², `[H, W, C]`.
  public var variance: ArraySlice<Float> { part(of: measures.variance, "moments") }

  /// u_i = F(x_i − 1) + U p(x_i), `[H, W, C]`: independent and uniform on 0 … 1 under the model. U is
  /// keyed by the image's content: an image has the same wherever it lies.
  public var pit: ArraySlice<Float> { part(of: measures.pit, "pit") }

  /// Length of the image, as the model sees it, as the smallest PNG file, bits.
  public var losslessBits: Double {
    guard let losslessBytes else { preconditionFailure("the score does not need losslessLength") }
    return 8 * Double(losslessBytes)
  }

  /// Where the image surprises the model.
  public var surpriseMap: SurpriseMap {
    SurpriseMap(
      subpixelBits: surprise, height: batch.height, width: batch.width, channels: batch.channels)
  }

  private func part(of measure: [Float], _ need: String) -> ArraySlice<Float> {
    precondition(!measure.isEmpty, "the score does not need \(need)")
    return measure[place * dimension..<(place + 1) * dimension]
  }
}
