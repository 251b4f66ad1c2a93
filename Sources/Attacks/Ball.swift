import Foundation
import Randomness

/// The images within a distance ε of one, of intensities 0…1.
public enum Ball: Sendable, Equatable {
  /// No sub-pixel is farther: L∞.
  case box(Float)
  /// Together they are not: L2.
  case sphere(Float)

  public var radius: Float {
    switch self {
    case .box(let radius), .sphere(let radius): radius
    }
  }

  /// The step of unit length that climbs most along a gradient.
  func direction(of gradient: [Float]) -> [Float] {
    switch self {
    case .box: return gradient.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
    case .sphere:
      let length = norm(gradient)
      return length > 0 ? gradient.map { $0 / length } : gradient
    }
  }

  /// The nearest image of the ball around another, kept in 0…1.
  func nearest(to image: [Float], around centre: [Float]) -> [Float] {
    switch self {
    case .box(let radius):
      return zip(image, centre).map { x, c in
        min(1, max(0, min(max(x, c - radius), c + radius)))
      }
    case .sphere(let radius):
      let move = zip(image, centre).map { $0 - $1 }
      let length = norm(move)
      let share = length > radius ? radius / length : 1
      return zip(centre, move).map { min(1, max(0, $0 + share * $1)) }
    }
  }

  /// A uniform draw of a move.
  func draw(_ count: Int, _ stream: inout RandomStream) -> [Float] {
    switch self {
    case .box(let radius):
      return (0..<count).map { _ in radius * Float(2 * stream.uniform() - 1) }
    case .sphere(let radius):
      let direction = (0..<count).map { _ in Float(stream.normal()) }
      let length = norm(direction)
      let share = radius * Float(pow(stream.uniform(), 1 / Double(count)))
      return direction.map { share * $0 / max(length, 1e-12) }
    }
  }
}
