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

  /// The gradient of log p in each image's pixels, at the nearest levels: by what later sub-pixels make of
  /// each one, the model's own gradient; by what earlier ones made of it, half the difference between the
  /// levels beside its own.
  package func gradient(at images: [[Float]]) -> [[Float]] {
    let batch = symbols(of: images)
    let (count, dimension) = (images.count, model.image.dimension)
    let top = model.head.levels - 1
    let value = Tensor([count, dimension], engine.wide)
    value.write(batch.symbols.map { Double($0) / Double(top) })
    let pixels = Parameter(name: "pixels", value: value, decays: false)
    let context = Context(
      engine, tape: Tape(), prepared: prepared, pixels: pixels, weightsAreConstant: true)
    let conditionals = model.conditionals(batch, in: context)
    let plain = Context(engine, prepared: prepared)
    func logProbability(_ shift: Int) -> [Double] {
      conditionals.logProbability(
        of: batch.symbols.map { UInt8(max(0, min(top, Int($0) + shift))) }, in: plain
      ).value.values
    }
    let (above, below) = (logProbability(1), logProbability(-1))
    let gradients = context.gradients(
      of: conditionals.logProbability(of: batch, in: context), seed: 1)
    var all = gradients[pixels]?.values ?? [Double](repeating: 0, count: count * dimension)
    for i in all.indices {
      let own = Int(batch.symbols[i])
      let apart = min(top, own + 1) - max(0, own - 1)
      all[i] += (above[i] - below[i]) * Double(top) / Double(max(1, apart))
    }
    return (0..<count).map { n in all[n * dimension..<(n + 1) * dimension].map { Float($0) } }
  }
}
