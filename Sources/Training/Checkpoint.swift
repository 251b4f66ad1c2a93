import RunFiles
import Tensors

/// Where a training stands, beside its tensors. All of it goes into the checkpoint's metadata.
struct TrainingState: Equatable {
  /// Steps done.
  var step = 0
  /// The epoch under way, and the images of it that are done.
  var epoch = 0
  var imagesOfEpoch = 0
  /// Sum over the epoch so far of the images' negative log-likelihood, nats.
  var natsOfEpoch = 0.0
  /// Seconds trained, over all sittings.
  var seconds = 0.0
  /// Lowest validation loss so far, nats an image.
  var bestValidation = Double.infinity
  var bestEpoch = 0
  /// Latest, nats an image; NaN before the first.
  var latestValidation = Double.nan
  /// Latest training loss of a whole epoch, bits a sub-pixel; NaN before the first.
  var trainBitsPerDimension = Double.nan

  // Swift prints a Double so that reading it back gives the same bits.
  var metadata: [String: String] {
    [
      "step": "\(step)", "epoch": "\(epoch)", "images_of_epoch": "\(imagesOfEpoch)",
      "nats_of_epoch": "\(natsOfEpoch)", "seconds": "\(seconds)",
      "best_validation": "\(bestValidation)", "best_epoch": "\(bestEpoch)",
      "latest_validation": "\(latestValidation)",
      "train_bits_per_dimension": "\(trainBitsPerDimension)",
    ]
  }

  init() {}

  init(_ file: TensorFile) throws {
    step = try file.metadata("step")
    epoch = try file.metadata("epoch")
    imagesOfEpoch = try file.metadata("images_of_epoch")
    natsOfEpoch = try file.metadata("nats_of_epoch")
    seconds = try file.metadata("seconds")
    bestValidation = try file.metadata("best_validation")
    bestEpoch = try file.metadata("best_epoch")
    latestValidation = try file.metadata("latest_validation")
    trainBitsPerDimension = try file.metadata("train_bits_per_dimension")
    for (key, value) in [("step", step), ("epoch", epoch), ("images_of_epoch", imagesOfEpoch)]
    where value < 0 {
      throw RunFileError(file.path, "metadata \(key)", expected: "0 or more", found: "\(value)")
    }
  }
}

extension Optimiser {
  private func tensors(of entry: Entry) -> [(name: String, tensor: Tensor)] {
    let name = entry.parameter.name
    return [
      (name, entry.parameter.value), ("\(name)#first", entry.first),
      ("\(name)#second", entry.second), ("\(name)#average", entry.average),
    ]
  }

  /// Writes weights, moments and average, whole or not at all.
  func writeCheckpoint(to path: String, _ state: TrainingState) throws {
    try TensorFile.write(
      entries.flatMap(tensors).map { TensorSource($0.name, $0.tensor) },
      metadata: state.metadata, to: path)
  }

  func readCheckpoint(from path: String) throws -> TrainingState {
    let file = try TensorFile(reading: path)
    let all = entries.flatMap(tensors)
    try file.requireExactly(Set(all.map(\.name)))
    for (name, tensor) in all { try file.read(name, into: tensor) }
    let state = try TrainingState(file)
    resume(at: state.step)
    return state
  }
}
