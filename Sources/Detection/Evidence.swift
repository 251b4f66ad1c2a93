import Foundation
import Gaussians
import Heads
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
    /// The mean and the variance of the level under the model, a sub-pixel.
    public static let levels = Needs(rawValue: 16)
    /// What a Gaussian density of the training images says: a run that has one.
    public static let gaussian = Needs(rawValue: 32)
    /// Passes of their own: over the image's flips and turns, over it with its quarters exchanged, back to
    /// the weights, and by another run.
    public static let stirred = Needs(rawValue: 64)
    public static let shaken = Needs(rawValue: 128)
    public static let gradient = Needs(rawValue: 256)
    public static let other = Needs(rawValue: 512)
    /// And in the other orders that the run knows.
    public static let orders = Needs(rawValue: 1024)

    /// What the pass is to measure.
    var measures: Measures.Kinds {
      let all: [(Needs, Measures.Kinds)] = [(.moments, .moments), (.pit, .pit), (.levels, .levels)]
      return all.reduce(into: []) { if contains($1.0) { $0.formUnion($1.1) } }
    }
  }

  private let pixels: PixelEncoding
  private let batch: PixelBatch
  private let place: Int
  private let measures: Measures
  /// Bits of all its sub-pixels, −log₂ p(x).
  public let bits: Double
  private let losslessBytes: Int?
  private let underGaussian: GaussianEvidence?
  /// z_i = (x_i − µ_i) / √(σ_i² + 1), `[H, W, C]`: see `Scores/Residuals`.
  let residuals: [Double]
  private let further: FurtherPasses.Findings

  package init(
    _ place: Int, of batch: PixelBatch, _ pixels: PixelEncoding, _ measures: Measures,
    _ needs: Needs, _ gaussian: GaussianEvidence? = nil
  ) {
    self.init(place, of: batch, pixels, measures, needs, gaussian, further: .init())
  }

  init(
    _ place: Int, of batch: PixelBatch, _ pixels: PixelEncoding, _ measures: Measures,
    _ needs: Needs, _ gaussian: GaussianEvidence?, further: FurtherPasses.Findings
  ) {
    self.further = further
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
      ? pixels.image(from: batch, at: place).promisingPNGByteCount : nil
    underGaussian = gaussian
    let scale = Self.intensitiesALevel(of: batch)
    residuals =
      needs.contains(.levels)
      ? zip(measures.levelError[range], measures.levelVariance[range]).map { error, variance in
        -scale * Double(error) / (scale * scale * Double(variance) + 1).squareRoot()
      } : []
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

  /// Length of the image, as the model sees it, as a PNG file that is hardly longer than the smallest, bits.
  public var losslessBits: Double {
    guard let losslessBytes else { preconditionFailure("the score does not need losslessLength") }
    return 8 * Double(losslessBytes)
  }

  /// The mean of the level under the model less the level found, levels, `[H, W, C]`.
  public var levelError: ArraySlice<Float> { part(of: measures.levelError, "levels") }

  /// The variance of the level under the model, levels², `[H, W, C]`.
  public var levelVariance: ArraySlice<Float> { part(of: measures.levelVariance, "levels") }

  /// Intensities, 0 … 255, from a level to the next.
  public var intensitiesALevel: Double { Self.intensitiesALevel(of: batch) }

  private static func intensitiesALevel(of batch: PixelBatch) -> Double {
    255 / Double(batch.levels - 1)
  }

  /// What the Gaussian density of the training images says.
  public var gaussian: GaussianEvidence {
    guard let underGaussian else { preconditionFailure("the score does not need gaussian") }
    return underGaussian
  }

  /// Mean of −log p of the image's flips and quarter turns, of it with its quarters exchanged, and −log p by
  /// another run: nats.
  public var stirredNats: Double { found(further.stirred, "stirred") }
  public var shakenNats: Double { found(further.shaken, "shaken") }
  public var otherNats: Double { found(further.other, "other") }

  /// Standard deviation of −log p over the orders that the run knows, nats.
  public var disagreement: Double { found(further.disagreement, "orders") }

  /// Mean over the arrays of weights of ln ‖∂ log p / ∂θ‖².
  public var gradient: Double { found(further.gradient, "gradient") }

  /// Height, width and channels.
  public var shape: ImageShape {
    ImageShape(height: batch.height, width: batch.width, channels: batch.channels)
  }

  /// Where the image surprises the model.
  public var surpriseMap: SurpriseMap {
    SurpriseMap(
      subpixelBits: surprise, height: batch.height, width: batch.width, channels: batch.channels)
  }

  private func found(_ number: Double?, _ need: String) -> Double {
    guard let number else { preconditionFailure("the score does not need \(need)") }
    return number
  }

  private func part(of measure: [Float], _ need: String) -> ArraySlice<Float> {
    precondition(!measure.isEmpty, "the score does not need \(need)")
    return measure[place * dimension..<(place + 1) * dimension]
  }
}

/// What a Gaussian density says of an image's intensities, as the model sees them.
public struct GaussianEvidence: Sendable {
  /// Mahalanobis's squared distance within the density's directions, and outside of them.
  public let inside: Double
  public let residual: Double
  /// −log density of the image's mirror image, and of the image upside down, less its own: nats.
  public let mirrored: Double
  public let upsideDown: Double

  /// Of some images of one shape: the density's directions are read once for all of them.
  static func of(_ images: [Image], under gaussian: LowRankGaussian) -> [GaussianEvidence] {
    let rows = images.flatMap(turns)
    let found = gaussian.statistics(ofRows: rows)
    return images.indices.map { index in
      let (own, mirrored, upsideDown) = (
        found[3 * index], found[3 * index + 1], found[3 * index + 2]
      )
      return GaussianEvidence(
        inside: own.inside, residual: own.residual,
        mirrored: mirrored.negativeLogDensity - own.negativeLogDensity,
        upsideDown: upsideDown.negativeLogDensity - own.negativeLogDensity)
    }
  }

  /// Intensities of an image as it is, mirrored, and upside down.
  private static func turns(_ image: Image) -> [Float] {
    let (height, width, channels) = (image.height, image.width, image.channels)
    let count = image.pixels.count
    var rows = [Float](repeating: 0, count: 3 * count)
    for y in 0..<height {
      let (row, other) = (y * width, (height - 1 - y) * width)
      for x in 0..<width {
        for channel in 0..<channels {
          let intensity = Float(image.pixels[(row + x) * channels + channel])
          rows[(row + x) * channels + channel] = intensity
          rows[count + (row + width - 1 - x) * channels + channel] = intensity
          rows[2 * count + (other + x) * channels + channel] = intensity
        }
      }
    }
    return rows
  }
}
