import Generation
import Images
import Models
import Tensors

/// A density that an attacker knows, and its gradient in the pixels.
public struct KnownDensity {
  public let model: any DensityModel
  public let engine: Engine
  private let prepared = PreparedWeights()

  public init(_ model: any DensityModel, on engine: Engine) {
    self.model = model
    self.engine = engine
  }

  /// Images as symbols of the density.
  func symbols(of images: [[Float]]) -> PixelBatch {
    let top = Float(model.head.levels - 1)
    return PixelBatch(
      count: images.count, height: model.image.height, width: model.image.width,
      channels: model.image.channels, levels: model.head.levels,
      symbols: images.flatMap { $0.map { UInt8(max(0, min(top, ($0 * top).rounded()))) } })
  }

  /// log p of each image at the nearest levels, nats.
  package func logProbability(of images: [[Float]]) -> [Double] {
    model.logProbability(of: symbols(of: images), in: Context(engine, prepared: prepared))
  }

  /// Images as a purifier leaves them; nil where the model's probabilities are not numbers.
  /// - Parameter reach: the most that it moves an intensity, levels.
  package func purified(_ images: [[Float]], reach: Int) -> [[Float]]? {
    let purifier = Purifier(model, in: Context(engine, prepared: prepared), reach: reach)
    guard let batch = try? purifier.purify(symbols(of: images)) else { return nil }
    let (dimension, top) = (batch.dimension, Float(batch.levels - 1))
    return (0..<batch.count).map { n in
      batch.symbols[n * dimension..<(n + 1) * dimension].map { Float($0) / top }
    }
  }

  /// The gradient of log p in each image's pixels, at the nearest levels.
  package func gradient(at images: [[Float]]) -> [[Float]] {
    model.pixelGradient(of: symbols(of: images), in: Context(engine, prepared: prepared))
  }
}
