import Heads
import Images
import Layers
import Tensors

extension Context {
  /// The first layer of a convolutional model, of intensities −1…1: `[N, H, W, outputs]`, or of the
  /// next pixel `[N, 1, 1, outputs]`.
  func convolve(_ batch: PixelBatch, _ layer: ImageConvolution) -> Variable {
    guard memory == nil else {
      return layer(
        next: batch.symbols, count: batch.dimension, scale: 2 / Double(batch.levels - 1),
        offset: -1, in: self)
    }
    let x = intensities(
      batch, shape: [batch.count, batch.height, batch.width, batch.channels], from: -1, to: 1)
    return layer(x, in: self)
  }

  /// The first layer of a vertical stack: `[N, H, W, outputs]`, or of the row that begins
  /// `[W, N, 1, outputs]`.
  func convolveRows(_ batch: PixelBatch, _ layer: ImageConvolution) -> Variable {
    guard memory == nil else {
      return layer(
        rowAfter: batch.symbols, count: batch.dimension, scale: 2 / Double(batch.levels - 1),
        offset: -1, in: self)
    }
    return convolve(batch, layer)
  }

  /// Intensities −1…1 of the pixel before each in raster order, `[N, H, W, C]`, of none before the first:
  /// zeros; of the next pixel `[N, 1, 1, C]`, as the layer remembers it, which comes first.
  func pixelsBefore(_ batch: PixelBatch, _ layer: ImageConvolution) -> Variable {
    guard memory == nil else { return layer.pixelBefore(in: self) }
    let pixels = batch.height * batch.width
    let x = intensities(batch, shape: [batch.count, pixels, batch.channels], from: -1, to: 1)
    return cast(
      before(x).reshaped([batch.count, batch.height, batch.width, batch.channels]), to: precision)
  }

  /// The outputs of all steps as they are; of the next pixel, those of the next step.
  func nextStep(_ outputs: Variable, of head: Head) -> Variable {
    guard let memory else { return outputs }
    let steps = head.steps(channels: memory.channels)
    guard steps > 1 else { return outputs }
    let each = outputs.shape[3] / steps
    let step = memory.known % memory.channels * steps / memory.channels
    return Variable(outputs.value.reshaped([memory.images, steps, each]).step(step))
  }
}

extension Scope {
  /// The first `count` of row and column of each pixel's middle, −1 at the first edge to 1 at the last:
  /// `[H, W, count]`.
  func coordinates(_ image: ImageShape, _ count: Int) -> Tensor {
    guard !isMeasuring else { return Tensor([1, 1, count], precision) }
    func place(_ index: Int, of side: Int) -> Double { Double(2 * index + 1) / Double(side) - 1 }
    var values: [Double] = []
    for row in 0..<image.height {
      for column in 0..<image.width {
        values += [place(row, of: image.height), place(column, of: image.width)].prefix(count)
      }
    }
    return Tensor([image.height, image.width, count], precision, values: values)
  }
}
