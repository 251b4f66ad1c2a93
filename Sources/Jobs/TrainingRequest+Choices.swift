import Images
import Models
import Training

/// What is chosen where the request leaves it open.
extension TrainingRequest {
  func pixelEncoding(of data: DataSet) -> PixelEncoding {
    switch binarization {
    case .threshold: .threshold
    case .stochastic: .stochastic
    case nil:
      if let levels {
        .levels(levels)
      } else if head == .bernoulli || data.levelsOfSource == 2 {
        .threshold
      } else {
        .levels(256)
      }
    }
  }

  func options(for family: ModelFamily) -> TrainingOptions {
    var options = TrainingOptions(
      duration: minutes.map { .minutes($0) } ?? .epochs(epochs ?? 20),
      batch: batch ?? family.batch, learningRate: learningRate ?? family.learningRate)
    if let weightDecay { options.weightDecay = weightDecay }
    options.precision = precision ?? family.precision
    // Short epochs are many, and their validation wavers.
    options.patience = patience.map(Self.patience) ?? .init(epochs: 10, share: 0.1)
    return options
  }

  /// 0 epochs are none.
  static func patience(_ epochs: Int) -> TrainingOptions.Patience? {
    epochs == 0 ? nil : .init(epochs: epochs)
  }

  /// How images are loaded that are learned whole.
  var loadingOptions: LoadingOptions {
    LoadingOptions(
      size: size, channels: channels, useClasses: usesClasses, strict: strict,
      followLinks: followsLinks)
  }

  /// How images of the shape of a model are loaded.
  func loadingOptions(_ shape: ImageShape, useClasses: Bool = false) -> LoadingOptions {
    LoadingOptions(
      size: (shape.width, shape.height), channels: shape.channels, useClasses: useClasses,
      strict: strict, followLinks: followsLinks)
  }
}
