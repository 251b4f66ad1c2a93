import Heads
import Images
import Layers

/// How many leading sub-pixels must be known for each input and each output of a model that is masked
/// between units.
public struct Degrees: Sendable {
  /// Outputs of an image.
  public let outputCount: Int
  private let outputsAStep: Int
  private let subpixelsAStep: Int
  /// The place of each sub-pixel in the order in which they are told.
  private let places: [Int]

  /// - Parameter order: the sub-pixels in the order in which they are told, those of a step together; the
  ///   raster's where nil.
  public init(_ image: ImageShape, _ head: Head, order: [Int]? = nil) {
    let steps = head.steps(channels: image.channels)
    outputsAStep = head.outputs(channels: image.channels)
    subpixelsAStep = image.channels / steps
    outputCount = image.height * image.width * steps * outputsAStep
    var places = Array(0..<image.dimension)
    if let order {
      for (place, subpixel) in order.enumerated() { places[subpixel] = place }
    }
    self.places = places
  }

  /// 1 … D in the order.
  public var inputs: [Int] { places.map { $0 + 1 } }

  /// 0 …: those of a step may see what was known before it.
  public var outputs: [Int] {
    (0..<outputCount).map { places[$0 / outputsAStep * subpixelsAStep] }
  }
}

extension Stencil {
  /// Of a layer from the sub-pixels of an image to the outputs of a head, in the raster's order.
  init(_ image: ImageShape, _ head: Head, at scope: Scope) {
    self.init(
      height: image.height, width: image.width, channels: image.channels,
      outputs: head.outputsOfPixel(channels: image.channels),
      steps: head.steps(channels: image.channels), at: scope)
  }
}
