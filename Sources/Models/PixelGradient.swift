import Images
import Tensors

extension DensityModel {
  /// The gradient of log p in each image's pixels, nats by intensities 0…1, `[N][D]`.
  ///
  /// By what later sub-pixels make of each one, the model's own gradient; by what earlier ones made of it,
  /// of which there is no derivative, as it is a level: the slope between the levels on both sides.
  ///
  /// - Parameters:
  ///   - reach: how many levels away these are.
  ///   - context: whose engine and prepared weights are used.
  public func pixelGradient(of batch: PixelBatch, reach: Int = 1, in context: Context) -> [[Float]]
  {
    let (count, dimension, top) = (batch.count, batch.dimension, batch.levels - 1)
    let value = Tensor([count, dimension], context.wide)
    value.write(batch.symbols.map { Double($0) / Double(top) })
    let pixels = Parameter(name: "pixels", value: value, decays: false)
    let recording = Context(
      context.engine, tape: Tape(), prepared: context.prepared, pixels: pixels,
      weightsAreConstant: true)
    let conditionals = conditionals(batch, in: recording)
    let plain = Context(context.engine, prepared: context.prepared)
    func level(_ symbol: UInt8, _ shift: Int) -> Int { max(0, min(top, Int(symbol) + shift)) }
    func logProbability(_ shift: Int) -> [Double] {
      conditionals.logProbability(of: batch.symbols.map { UInt8(level($0, shift)) }, in: plain)
        .value.values
    }
    let (above, below) = (logProbability(reach), logProbability(-reach))
    let gradients = recording.gradients(
      of: conditionals.logProbability(of: batch, in: recording), seed: 1)
    var all = gradients[pixels]?.values ?? [Double](repeating: 0, count: count * dimension)
    for (i, symbol) in batch.symbols.enumerated() {
      let apart = level(symbol, reach) - level(symbol, -reach)
      all[i] += (above[i] - below[i]) * Double(top) / Double(apart)
    }
    return (0..<count).map { n in all[n * dimension..<(n + 1) * dimension].map { Float($0) } }
  }
}
