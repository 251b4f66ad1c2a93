import Foundation
import Images
import Models
import Tensors

/// What a training takes, as far as can be told before its first step.
public struct TrainingCost: Sendable {
  /// Bytes of the weights, those that a mask holds at zero among them.
  public let weightBytes: Int
  /// Bytes on the disk: weights and checkpoint.
  public let diskBytes: Int
  /// Bytes of memory, about: weights, moments, gradient, average and masks; what a step keeps; the
  /// images.
  public let memoryBytes: Int
  /// Seconds, about.
  public let secondsPerStep: Double
  public let stepsPerEpoch: Int
}

extension Trainer {
  /// Measures what the training takes: seconds at most, or as long as one image does. Changes nothing.
  public func measureCost() -> TrainingCost {
    let parameters = learner.optimiser.entries.map(\.parameter)
    let data = configuration.data
    let weights = parameters.reduce(0) { $0 + $1.value.count }
    let masks = parameters.reduce(0) { $0 + ($1.mask?.byteCount ?? 0) }
    let (isFitted, model) = (learner.isFitted, learner.model)
    let batch = isFitted ? 1 : min(configuration.training.batch, training.count)
    let fit =
      (model as? any ClosedForm).map {
        $0.fitBytes * min(training.count * model.image.dimension, $0.mostFitted)
      } ?? 0
    let kept = batch * model.stepBytesPerImage(parameters, configuration.training.precision)
    // Logits and what becomes of them, float32 and double.
    let validation =
      min(model.inferenceBatch, data.validationImages) * model.outputs * (4 + 4 + 8)
    // The process itself, gradients on their way, the kernels' own work.
    let rest = (50 << 20) + kept / 4 + 8 * weights
    return TrainingCost(
      weightBytes: 4 * weights, diskBytes: 4 * weights + 16 * weights,
      memoryBytes: fit + 20 * weights + 2 * masks + max(kept, validation) + training.byteCount
        + rest,
      // The optimiser reads and writes nine numbers a weight, at some 10 GB/s.
      secondsPerStep: isFitted ? 0 : gradientSeconds(batch) + 3.6e-9 * Double(weights),
      stepsPerEpoch: schedule.stepsPerEpoch)
  }

  /// Seconds of a batch's gradient: measured of parts of it that grow as long as they are quick, and
  /// from the last two continued along a line.
  private func gradientSeconds(_ batch: Int) -> Double {
    func seconds(_ count: Int) -> Double {
      let images = training.batch(
        Array(0..<count), as: configuration.pixels, epoch: 0, seed: configuration.seed)
      // The first time, kernels may be compiled.
      return (0..<2).map { _ in
        let (start, used) = (ContinuousClock.now, clock())
        learner.rehearse(images)
        let processor = Double(clock() - used) / Double(CLOCKS_PER_SEC)
        // Beside other processes time passes that is not the training's.
        return min((ContinuousClock.now - start) / .seconds(1), processor)
      }.min()!
    }
    var last = (count: 1, seconds: seconds(1))
    var slope = last.seconds
    // What images cost in common, as the gradients of large matrices, shows from the second part on.
    while last.count < batch && last.seconds < (last.count == 1 ? 2 : 0.3) {
      let count = min(4 * last.count, batch)
      let next = seconds(count)
      slope = max(0, next - last.seconds) / Double(count - last.count)
      last = (count, next)
    }
    return last.seconds + slope * Double(batch - last.count)
  }
}
