import Heads
import Images
import Models
import Training

extension Train {
  func pixelEncoding(of data: DataSet) -> PixelEncoding {
    switch binarize {
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

  /// The head that is asked for, or the usual one.
  func head(ofLevels levels: Int) -> Head {
    Head(head ?? .usual(levels), levels: levels, components: components)
  }

  func options(for family: ModelFamily) -> TrainingOptions {
    var options = TrainingOptions(
      duration: minutes.map { .minutes($0) } ?? .epochs(epochs ?? 20),
      batch: batch ?? family.batch, learningRate: learningRate ?? family.learningRate)
    if let weightDecay { options.weightDecay = weightDecay }
    options.precision = precision?.precision ?? family.precision
    // Short epochs are many, and their validation wavers.
    options.patience = patience.map(Self.patience) ?? .init(epochs: 10, share: 0.1)
    return options
  }
}
