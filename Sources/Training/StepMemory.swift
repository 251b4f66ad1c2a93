import Foundation
import Models
import Tensors

extension LearnedModel {
  /// Bytes that a training step takes for each of its images, at least.
  ///
  /// The tape keeps the output of every layer until the way back. A layer has a bias for each
  /// output, of an image or, where all pixels share it, of a pixel, so the parameters tell how many
  /// there are. Logits and their gradient are float32. Gradients on their way and the kernels' own
  /// work come on top: PixelCNN's peaks were measured at 1.1 to 1.4 times this.
  func stepBytesPerImage(_ parameters: [Parameter], _ precision: Precision) -> Int {
    let bytes = outputs * 2 * Precision.float32.byteCount
    if let keptElements { return keptElements * precision.byteCount + bytes }
    let biases = parameters.filter { !$0.decays }.reduce(0) { $0 + $1.value.count }
    let last = outputBias?.value.count ?? outputs
    let hidden = (biases - last) * (outputs / last)
    return hidden * precision.byteCount + bytes
  }

  /// Refuses steps of so many images where this machine's memory cannot hold one.
  /// - Throws: `ModelError` naming the most images that it might.
  public func requireRoom(
    forStepsOf batch: Int, _ parameters: [Parameter], _ precision: Precision, named name: String
  ) throws {
    if self is any ClosedForm { return }
    let memory = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    // Weights, gradient, two moments, the average: `ModelSpecification.build` has seen that they fit.
    // Copies in bfloat16 are few bytes beside these.
    let weights = 20 * parameters.reduce(0) { $0 + $1.value.count }
    let bytes = stepBytesPerImage(parameters, precision)
    let most = (memory - weights) / bytes
    guard batch > most else { return }
    guard most >= 1 else {
      throw ModelError.memoryOfStep(
        name, image, levels: levels, needed: weights + bytes, found: memory)
    }
    throw ModelError.batch(
      batch, name, image, levels: levels, most: most, memory: memory)
  }
}
