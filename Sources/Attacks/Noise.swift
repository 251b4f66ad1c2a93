import Images
import Randomness

/// Moves of the size of an attack that know nothing of the classifier: what it takes beside mere change.
public enum Noise: Attack {
  /// Each sub-pixel anywhere within ε.
  case uniform(Float)
  /// Of standard deviation ε / 2, kept within ε.
  case normal(Float)
  /// All of them brighter by ε.
  case brighter(Float)
  /// As a JPEG file of low quality keeps it.
  case jpeg(height: Int, width: Int, channels: Int)
  /// The image itself.
  case none

  public func moved(
    _ images: [[Float]], _ labels: [Int], numbers: Range<Int>, by victim: Victim, seed: UInt64,
    progress: (_ images: Double) -> Bool
  ) -> [[Float]]? {
    let moved = zip(numbers, images).map { number, image in
      var stream = RandomStream(seed: seed, "noise", number)
      return changed(image, &stream)
    }
    return progress(Double(images.count)) ? moved : nil
  }

  private func changed(_ image: [Float], _ stream: inout RandomStream) -> [Float] {
    switch self {
    case .uniform(let radius):
      return added(image, Ball.box(radius).draw(image.count, &stream))
    case .normal(let radius):
      return added(
        image,
        image.map { _ in max(-radius, min(radius, radius / 2 * Float(stream.normal()))) })
    case .brighter(let radius): return added(image, image.map { _ in radius })
    case .jpeg(let height, let width, let channels):
      let pixels = image.map { UInt8(max(0, min(255, (255 * $0).rounded()))) }
      return Image(height: height, width: width, channels: channels, pixels: pixels)
        .roughenedAsByJPEG.pixels.map { Float($0) / 255 }
    case .none: return image
    }
  }
}
