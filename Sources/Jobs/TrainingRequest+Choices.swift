import Heads
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

  /// The head that is asked for, or the model's usual one.
  func head(ofLevels levels: Int, model: String) -> Head {
    let usual = ModelFamily.named(model)?.usualHead(ofLevels: levels) ?? .categorical
    return Head(head ?? usual, levels: levels, components: components)
  }

  /// Refuses options of a training by steps for a model that takes none.
  func requireSteps(_ name: String) throws(OptionError) {
    guard ModelFamily.named(name)?.isClosedForm == true else { return }
    let given =
      [
        ("--epochs", epochs != nil), ("--minutes", minutes != nil), ("--batch", batch != nil),
        ("--learning-rate", learningRate != nil), ("--weight-decay", weightDecay != nil),
        ("--patience", patience != nil), ("--optimiser", optimiser != nil),
        ("--precision", precision != nil),
      ].filter(\.1).map(\.0) + changingOptions
    guard given.isEmpty else {
      throw OptionError(
        given.joined(separator: ", "), expected: "none with --model \(name), fitted in closed form",
        found: given.count == 1 ? "it" : "them")
    }
  }

  /// Refuses Muon for a model without what it moves.
  func requireKernels(of model: ModelSpecification) throws {
    guard optimiser == .muon, try !model.hasKernels() else { return }
    throw OptionError(
      "--optimiser",
      expected: "adamw with --model \(model.name), which has no kernels of convolutions",
      found: "muon")
  }

  /// - Parameter count: images to learn from; nil: many.
  func options(for family: ModelFamily, images count: Int? = nil) -> TrainingOptions {
    let recipe = family.recipe(images: count, by: optimiser)
    var options = TrainingOptions(
      duration: minutes.map { .minutes($0) } ?? .epochs(epochs ?? recipe.epochs),
      batch: batch ?? recipe.batch, learningRate: learningRate ?? recipe.learningRate)
    options.weightDecay = weightDecay ?? recipe.weightDecay
    options.precision = precision ?? family.precision
    options.optimiser = optimiser ?? family.optimiser
    options.augmentation = augmentation.flatMap { $0.isNone ? nil : $0 }
    // Short epochs are many, and their validation wavers.
    options.patience = patience.map(Self.patience) ?? .init(epochs: 10, share: 0.1)
    if family.isClosedForm { (options.duration, options.patience) = (.epochs(1), nil) }
    return options
  }

  /// 0 epochs are none.
  static func patience(_ epochs: Int) -> TrainingOptions.Patience? {
    epochs == 0 ? nil : .init(epochs: epochs)
  }

  /// How many classes the model is told; nil: none.
  func classes(of data: DataSet) throws(OptionError) -> Int? {
    guard readsClasses else { return nil }
    let count = data.classNames.count
    guard ModelSpecification.classCounts.contains(count) else {
      throw OptionError(
        usesClasses ? "--classes" : "--model \(model ?? "")",
        expected: "\(ModelSpecification.classCounts.lowerBound) ..."
          + " \(ModelSpecification.classCounts.upperBound) classes in \(self.data)",
        found: "\(count)")
    }
    return count
  }

  /// The settings that are asked for, and those that the recipe has for so few images.
  func settings(of model: String, images count: Int) -> [String: String] {
    let usual = ModelFamily.named(model)?.recipe(images: count).settings ?? [:]
    return usual.merging(settings) { $1 }
  }

  /// How images are loaded that are learned whole.
  var loadingOptions: LoadingOptions {
    LoadingOptions(
      size: size, channels: channels, useClasses: readsClasses, strict: strict,
      followLinks: followsLinks)
  }

  /// How images of the shape of a model are loaded.
  func loadingOptions(_ shape: ImageShape, useClasses: Bool = false) -> LoadingOptions {
    LoadingOptions(
      size: (shape.width, shape.height), channels: shape.channels, useClasses: useClasses,
      strict: strict, followLinks: followsLinks)
  }
}
