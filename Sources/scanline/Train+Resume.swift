import Files
import RunFiles
import Training

extension Train {
  /// Epochs of `--patience`; 0 is none.
  static func patience(_ epochs: Int) -> TrainingOptions.Patience? {
    epochs == 0 ? nil : .init(epochs: epochs)
  }

  /// The configuration of a run; where it is finished and a later end is asked for, that of its being
  /// trained further. (In the middle of a schedule there is no other: the learning rate falls over its
  /// whole length.)
  func takenFurther(
    _ configuration: RunConfiguration, in folder: RunFolder
  ) throws -> RunConfiguration {
    try requireSteps(configuration.model.name)
    var training = configuration.training
    let (flag, end, given): (String, String, String)
    switch (training.duration, epochs, minutes) {
    case (.epochs(let count), let epochs?, _) where epochs > count:
      training.duration = .epochs(epochs)
      (flag, end, given) = ("--epochs", "\(count)", "\(epochs)")
    case (.minutes(let count), _, let minutes?) where minutes > count:
      training.duration = .minutes(minutes)
      (flag, end, given) = ("--minutes", "\(count)", "\(minutes)")
    default: return configuration
    }
    guard let standing = try configuration.standing(of: folder), standing.isFinished else {
      throw FileError(
        runPath, flag,
        expected: "\(end), with which the run was begun and which it has yet to reach",
        found: "\(given); go on without it, and take the run further then")
    }
    if let learningRate { training.learningRate = learningRate }
    if let weightDecay { training.weightDecay = weightDecay }
    if let patience { training.patience = Self.patience(patience) }
    return configuration.takenFurther(from: standing, by: training)
  }

  /// Refuses a flag that says something else than the run was begun with.
  func requireNoContradiction(to configuration: RunConfiguration) throws {
    func require<Value: Equatable>(_ flag: String, _ given: Value?, _ begun: Value?) throws {
      guard let given, given != begun else { return }
      throw FileError(
        runPath, flag,
        expected: "\(begun.map { "\($0)" } ?? "none"), with which the run was begun",
        found: "\(given); leave it out, or start a new run")
    }
    let (model, training) = (configuration.model, configuration.training)
    try require("--model", self.model, model.name)
    for (name, value) in try parsedSettings().sorted(by: { $0.key < $1.key }) {
      try require("--set \(name)", value, model.settings[name])
    }
    try require("--head", head?.rawValue, model.head.kind.rawValue)
    try require("--components", components, model.head.components)
    try require("--levels", levels, configuration.pixels.levels)
    try require("--binarize", binarize?.rawValue, configuration.pixels.rawValue)
    try require(
      "--size", size.map { "\($0.width)x\($0.height)" },
      "\(model.image.width)x\(model.image.height)")
    try require(
      "--crop", crop.map { "\($0.width)x\($0.height)" },
      configuration.crops.map { "\($0.width)x\($0.height)" })
    try require("--scale", scale, configuration.crops?.scale)
    if configuration.crops?.flips != false { try require("--no-flips", noFlips ? "it" : nil, nil) }
    try require(
      "--channels", channels?.rawValue, Channels(count: model.image.channels)?.rawValue)
    if configuration.data.trainingImagesByClass == nil {
      try require("--classes", classes ? "it" : nil, nil)
    }
    if configuration.data.validationPath == nil { try require("--validation", validation, nil) }
    try require("--hold-out", holdOut, configuration.data.heldOut?.asked)
    try require("--group-by", groupBy, configuration.data.heldOut?.groupBy)
    switch training.duration {
    case .epochs(let count):
      try require("--epochs", epochs, count)
      try require("--minutes", minutes, nil)
    case .minutes(let count):
      try require("--minutes", minutes, count)
      try require("--epochs", epochs, nil)
    }
    try require("--patience", patience, training.patience?.epochs ?? 0)
    try require("--batch", batch, training.batch)
    try require("--learning-rate", learningRate, training.learningRate)
    try require("--weight-decay", weightDecay, training.weightDecay)
    try require("--precision", precision?.rawValue, training.precision.rawValue)
    try require("--seed", common.givenSeed, configuration.seed)
  }
}
