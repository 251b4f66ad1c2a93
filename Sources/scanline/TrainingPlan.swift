import Detection
import Images
import Tensors
import Training

/// How the run was to be trained.
struct TrainingPlan: Encodable {
  let epochs: Int?
  let minutes: Double?
  let batch: Int
  let learningRate: Double
  let weightDecay: Double
  let precision: String
  let optimiser: OptimiserName
  /// Of training images; null where they are left as they are.
  let augmentation: Augmentation?
  /// Epochs without a better validation that end it, and the share of it that they must be; null where
  /// nothing does.
  let patience: TrainingOptions.Patience?

  init(_ options: TrainingOptions) {
    switch options.duration {
    case .epochs(let count): (epochs, minutes) = (count, nil)
    case .minutes(let count): (epochs, minutes) = (nil, count)
    }
    batch = options.batch
    learningRate = options.learningRate
    weightDecay = options.weightDecay
    precision = options.precision.rawValue
    optimiser = options.rule
    augmentation = options.augmentation
    patience = options.patience
  }

  var length: String {
    epochs.map { counted($0, "epoch") } ?? minutes.map { "\($0) minutes" } ?? ""
  }

  var text: String {
    "\(length), batch \(batch), \(optimiser), learning rate \(learningRate), weight decay"
      + " \(weightDecay), \(precision)" + (augmentation.map { ", images \($0)" } ?? "")
  }
}

struct CalibrationSummary: Encodable {
  let images: Int
  let data: String

  init(_ calibration: Calibration) {
    images = calibration.count
    data = calibration.data
  }
}
