import Images
import Layers
import Tensors

extension Context {
  /// A batch as intensities 0…1: `[N, D]`, or `[N, count]` of what has become known; wide.
  public func unitIntensities(_ batch: PixelBatch) -> Variable {
    intensities(batch, shape: [batch.count, batch.dimension], from: 0, to: 1)
  }

  /// The same as units of a layer: images side by side where there is no way back.
  public func units(_ batch: PixelBatch) -> Units {
    guard tape == nil else { return .rows(unitIntensities(batch)) }
    let x = SideBySide(elements: batch.dimension, images: batch.count, wide)
    if batch.dimension > 0 {
      backend.intensities(
        batch.symbols, stride: batch.dimension, column: 0, scale: 1 / Double(batch.levels - 1),
        offset: 0, into: x, elements: 0..<batch.dimension)
    }
    return .sideBySide(x)
  }

  /// A batch as intensities between those of the lowest and the highest level. Where the context has
  /// pixels of its own, a gradient reaches them.
  public func intensities(
    _ batch: PixelBatch, shape: Shape, from low: Double, to high: Double
  ) -> Variable {
    if let pixels {
      return affine(
        variable(pixels).reshaped(shape), scale: high - low, offset: low)
    }
    return intensities(
      batch.symbols, shape: shape, scale: (high - low) / Double(batch.levels - 1), offset: low,
      precision: wide)
  }
}
