import ArgumentParser
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

  /// The head that is asked for, or the model's usual one.
  func head(ofLevels levels: Int, model: String) -> Head {
    let usual = ModelFamily.named(model)?.usualHead(ofLevels: levels) ?? .categorical
    return Head(head ?? usual, levels: levels, components: components)
  }

  /// Refuses flags of a training by steps for a model that takes none.
  func requireSteps(_ name: String) throws {
    guard ModelFamily.named(name)?.isClosedForm == true else { return }
    let given = [
      ("--epochs", epochs != nil), ("--minutes", minutes != nil), ("--batch", batch != nil),
      ("--learning-rate", learningRate != nil), ("--weight-decay", weightDecay != nil),
      ("--patience", patience != nil), ("--precision", precision != nil),
    ].filter(\.1).map(\.0)
    guard given.isEmpty else {
      throw ValidationError(
        "--model \(name) is fitted in closed form: expected no \(given.joined(separator: ", "))")
    }
  }

  func options(for family: ModelFamily) -> TrainingOptions {
    var options = TrainingOptions(
      duration: minutes.map { .minutes($0) } ?? .epochs(epochs ?? 20),
      batch: batch ?? family.batch, learningRate: learningRate ?? family.learningRate)
    if let weightDecay { options.weightDecay = weightDecay }
    options.precision = precision?.precision ?? family.precision
    // Short epochs are many, and their validation wavers.
    options.patience = patience.map(Self.patience) ?? .init(epochs: 10, share: 0.1)
    if family.isClosedForm { (options.duration, options.patience) = (.epochs(1), nil) }
    return options
  }
}
