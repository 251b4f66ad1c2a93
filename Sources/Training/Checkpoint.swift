import Files
import RunFiles
import Tensors

/// Where a training stands, beside its tensors. All of it goes into the checkpoint's metadata.
struct TrainingState: Equatable {
  /// Steps done.
  var step = 0
  /// Epochs ended, and the images of the one under way that are done.
  var epoch = 0
  var imagesOfEpoch = 0
  /// Sum over the epoch so far of the images' negative log-likelihood, nats.
  var natsOfEpoch = 0.0
  /// Seconds trained, over all sittings.
  var seconds = 0.0
  /// Of the latest step, before clipping.
  var gradientNorm = 0.0
  /// Lowest validation loss so far, nats an image; infinite before the first.
  var bestValidation = Double.infinity
  /// The epoch that it was of; 0 before the first.
  var bestEpoch = 0
  /// The step whose averaged weights are those to use; -1 before there are any.
  var weightsStep = -1
  /// How many schedules ended before the one under way.
  var schedule = 0
  /// The lowest validation loss of the schedule under way, nats an image, infinite before its first; the
  /// epoch that it was of, and the share of the schedule that was done by then.
  var scheduleBest = Double.infinity
  var scheduleBestEpoch = 0
  var scheduleBestShare = 0.0
  /// How often that was not reached since.
  var worseValidations = 0
  /// The step at which the average began anew; nil: with its schedule.
  var averageOrigin: Int?
  /// Latest, nats an image; NaN before the first.
  var latestValidation = Double.nan
  /// Latest training loss of a whole epoch, bits a sub-pixel; NaN before the first.
  var trainBitsPerDimension = Double.nan

  init() {}

  /// The last step that the record of the run has a row for, or an earlier one without.
  var lastRecordedStep: Int { imagesOfEpoch > 0 ? step - 1 : step }

  // Swift prints a Double so that reading it back gives the same bits.
  var metadata: [String: String] {
    var metadata = [
      "step": "\(step)", "epoch": "\(epoch)", "images_of_epoch": "\(imagesOfEpoch)",
      "nats_of_epoch": "\(natsOfEpoch)", "seconds": "\(seconds)",
      "gradient_norm": "\(gradientNorm)", "best_validation": "\(bestValidation)",
      "best_epoch": "\(bestEpoch)", "weights_step": "\(weightsStep)", "schedule": "\(schedule)",
      "schedule_best": "\(scheduleBest)", "schedule_best_epoch": "\(scheduleBestEpoch)",
      "schedule_best_share": "\(scheduleBestShare)",
      "worse_validations": "\(worseValidations)", "latest_validation": "\(latestValidation)",
      "train_bits_per_dimension": "\(trainBitsPerDimension)",
    ]
    metadata["average_origin"] = averageOrigin.map { "\($0)" }
    return metadata
  }

  init(_ file: TensorFile) throws {
    step = try file.metadata("step")
    epoch = try file.metadata("epoch")
    imagesOfEpoch = try file.metadata("images_of_epoch")
    natsOfEpoch = try file.metadata("nats_of_epoch")
    seconds = try file.metadata("seconds")
    gradientNorm = try file.metadata("gradient_norm")
    bestValidation = try file.metadata("best_validation")
    latestValidation = try file.metadata("latest_validation")
    trainBitsPerDimension = try file.metadata("train_bits_per_dimension")
    if file.metadata["schedule"] != nil {
      bestEpoch = try file.metadata("best_epoch")
      weightsStep = try file.metadata("weights_step")
      schedule = try file.metadata("schedule")
      scheduleBest = try file.metadata("schedule_best")
      scheduleBestEpoch = try file.metadata("schedule_best_epoch")
      scheduleBestShare = try file.metadata("schedule_best_share")
    } else {
      // A checkpoint of version 0.1, which had one schedule and no patience.
      (scheduleBest, scheduleBestEpoch) = (bestValidation, epoch)
    }
    // Checkpoints of before count them by epochs.
    worseValidations =
      file.metadata["worse_validations"] == nil
      ? epoch - scheduleBestEpoch : try file.metadata("worse_validations")
    if file.metadata["average_origin"] != nil {
      averageOrigin = try file.metadata("average_origin")
    }
    for (key, value) in [
      ("step", step), ("epoch", epoch), ("images_of_epoch", imagesOfEpoch),
      ("best_epoch", bestEpoch), ("schedule", schedule), ("schedule_best_epoch", scheduleBestEpoch),
      ("worse_validations", worseValidations), ("average_origin", averageOrigin ?? 0),
    ]
    where !(0...1 << 52).contains(value) {
      throw FileError(
        file.path, "metadata \(key)", expected: "0 ... \(1 << 52)", found: "\(value)")
    }
    guard seconds >= 0, seconds.isFinite else {
      throw FileError(
        file.path, "metadata seconds", expected: "0 or more", found: "\(seconds)")
    }
    for (key, value) in [("nats_of_epoch", natsOfEpoch), ("gradient_norm", gradientNorm)]
    where !value.isFinite {
      throw FileError(
        file.path, "metadata \(key)", expected: "a finite number", found: "\(value)")
    }
    for (key, value) in [
      ("best_validation", bestValidation), ("schedule_best", scheduleBest),
      ("schedule_best_share", scheduleBestShare),
    ] where value.isNaN {
      throw FileError(file.path, "metadata \(key)", expected: "a number", found: "\(value)")
    }
  }
}

extension Optimiser {
  /// Writes weights, moments and average, whole or not at all.
  func writeCheckpoint(to path: String, _ state: TrainingState) throws {
    try TensorFile.write(
      entries.flatMap { entry in entry.named.map { TensorSource($0, $1) } },
      metadata: state.metadata, to: path)
  }

  /// Takes up the tensors of a checkpoint of the same model.
  /// - Throws: `FileError` for a checkpoint that is damaged or of another model.
  func readCheckpoint(_ file: TensorFile) throws {
    try file.requireExactly(Set(entries.flatMap { $0.named.map(\.name) }))
    for entry in entries {
      // A moment that is not masked would move a weight that is.
      for (name, tensor) in entry.named {
        try file.readChecked(name, into: tensor, mask: entry.parameter.mask)
      }
    }
  }
}

extension Optimiser.Entry {
  /// What a checkpoint keeps of a parameter.
  fileprivate var named: [(name: String, tensor: Tensor)] {
    let name = parameter.name
    return [
      (name, parameter.value), ("\(name)#first", first), ("\(name)#second", second),
      ("\(name)#average", average),
    ]
  }
}
