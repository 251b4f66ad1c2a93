import Heads

/// How many leading sub-pixels must be known for each input and each output of a model that is masked
/// between units.
public struct Degrees: Sendable {
  private let dimension: Int
  /// Outputs of an image.
  public let outputCount: Int
  private let outputsAStep: Int
  private let subpixelsAStep: Int

  public init(_ image: ImageShape, _ head: Head) {
    let steps = head.steps(channels: image.channels)
    dimension = image.dimension
    outputsAStep = head.outputs(channels: image.channels)
    subpixelsAStep = image.channels / steps
    outputCount = image.height * image.width * steps * outputsAStep
  }

  /// 1 … D.
  public var inputs: [Int] { Array(1...dimension) }

  /// 0 …: those of a step may see what was known before it.
  public var outputs: [Int] { (0..<outputCount).map { $0 / outputsAStep * subpixelsAStep } }
}
