import Foundation
import Gaussians
import Images

/// A Gaussian density over miniatures of whole images: what belongs where, whatever its texture.
///
/// A miniature is 64×64 values y = ln(v + 8) less their mean, so that exposure does not count. Each is
/// learned with its mirror images.
public struct GlobalExpert: Sendable {
  public let gaussian: LowRankGaussian
  /// The root mean square of z over normal images that the density was not fitted to: its scale hangs on
  /// their number, and differs from one fold to the next.
  public let scale: Double
  /// 1 / C⁻¹ at each diagonal place, to the half: z = (C⁻¹ x)ᵢ · this, and 1/noise − 1/variance.
  private let deviations: [Float]
  private let gains: [Float]

  package static let side = ScaledImages.miniatureSide
  static let mostDirections = 100

  /// What is odd about an image as a whole; large is odd, small never.
  public struct Statistics: Codable, Equatable, Sendable {
    /// The largest mean of z over 9×9 pixels of the miniature: brighter than all else says.
    public var plus: Double
    /// The same of −z: darker.
    public var minus: Double
    /// Mahalanobis's squared distance in the directions in which normal images differ.
    public var inside: Double

    public init(plus: Double, minus: Double, inside: Double) {
      self.plus = plus
      self.minus = minus
      self.inside = inside
    }
  }

  public init(_ gaussian: LowRankGaussian, scale: Double) {
    self.gaussian = gaussian
    self.scale = scale
    let noise = gaussian.noise
    let gains = gaussian.variances.map { Float(1 / noise - 1 / $0) }
    var diagonal = [Float](repeating: Float(1 / noise), count: gaussian.dimension)
    for (r, gain) in gains.enumerated() {
      for i in diagonal.indices {
        let u = gaussian.directions[r * gaussian.dimension + i]
        diagonal[i] -= u * u * gain
      }
    }
    self.gains = gains
    deviations = diagonal.map { 1 / max($0, 1e-20).squareRoot() }
  }

  /// The density of miniatures, its scale by others that it has not seen (by themselves where there are
  /// none).
  package init(fitting images: [[UInt8]], heldOut: [[UInt8]]) {
    let side = Self.side
    let rows = images.flatMap { miniature in
      let y = Self.row(miniature)
      return Self.flips(of: y, side).flatMap { $0 }
    }
    let count = 4 * images.count
    let plain = GlobalExpert(
      LowRankGaussian(
        fitting: rows, count: count, rank: min(Self.mostDirections, count / 2, side * side / 4)),
      scale: 1)
    let squares = (heldOut.isEmpty ? images : heldOut).map { miniature in
      plain.z(of: Self.row(miniature)).values.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    let mean = squares.reduce(0, +) / Double(squares.count * side * side)
    self.init(plain.gaussian, scale: max(1e-12, mean.squareRoot()))
  }

  /// y of a grey miniature.
  package static func row(_ miniature: [UInt8]) -> [Float] {
    let logs = (0...255).map { log(Double($0) + 8) }
    let values = miniature.map { logs[Int($0)] }
    let mean = values.reduce(0, +) / Double(values.count)
    return values.map { Float($0 - mean) }
  }

  private static func flips(of y: [Float], _ side: Int) -> [[Float]] {
    let mirrored = (0..<side).flatMap { row in y[row * side..<(row + 1) * side].reversed() }
    return [y, mirrored, y.reversed(), mirrored.reversed()]
  }

  /// How far each pixel lies from what all others say of it, in standard deviations, signed: exact, by
  /// C⁻¹ = 1/noise − U (1/noise − 1/l) Uᵀ.
  package func z(of y: [Float]) -> PixelMap {
    let (d, noise) = (gaussian.dimension, Float(gaussian.noise))
    let centred = zip(y, gaussian.mean).map { $0 - $1 }
    var result = centred.map { $0 / noise }
    gaussian.directions.withUnsafeBufferPointer { directions in
      for (r, gain) in gains.enumerated() {
        let u = directions.baseAddress! + r * d
        var along: Float = 0
        for i in 0..<d { along += u[i] * centred[i] }
        let share = along * gain
        for i in 0..<d { result[i] -= u[i] * share }
      }
    }
    let scale = Float(1 / self.scale)
    return PixelMap(
      height: Self.side, width: Self.side,
      values: zip(result, deviations).map { $0 * $1 * scale })
  }

  /// - Parameter miniature: grey, 64×64.
  public func statistics(of miniature: [UInt8]) -> Statistics {
    let y = Self.row(miniature)
    let means = z(of: y).boxMeans(9).values
    return Statistics(
      plus: Double(means.max()!), minus: Double(-means.min()!),
      inside: gaussian.statistics(of: y).inside)
  }
}
