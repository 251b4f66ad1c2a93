import Files
import RunFiles
import Training

/// What may be asked of a run that is gone on with.
extension TrainingRequest {
  /// The configuration of a run; where it is finished and a later end is asked for, that of its being
  /// trained further. (In the middle of a schedule there is no other: the learning rate falls over its
  /// whole length.)
  func takenFurther(
    _ configuration: RunConfiguration, in folder: RunFolder
  ) throws -> RunConfiguration {
    try requireSteps(configuration.model.name)
    var training = configuration.training
    let (option, end, given): (String, String, String)
    switch (training.duration, epochs, minutes) {
    case (.epochs(let count), let epochs?, _) where epochs > count:
      training.duration = .epochs(epochs)
      (option, end, given) = ("--epochs", "\(count)", "\(epochs)")
    case (.minutes(let count), _, let minutes?) where minutes > count:
      training.duration = .minutes(minutes)
      (option, end, given) = ("--minutes", "\(count)", "\(minutes)")
    default: return configuration
    }
    guard let standing = try configuration.standing(of: folder), standing.isFinished else {
      throw FileError(
        run, option,
        expected: "\(end), with which the run was begun and which it has yet to reach",
        found: "\(given); go on without it, and take the run further then")
    }
    if let learningRate { training.learningRate = learningRate }
    if let weightDecay { training.weightDecay = weightDecay }
    if let patience { training.patience = Self.patience(patience) }
    return configuration.takenFurther(from: standing, by: training)
  }

  /// Refuses what says something else than the run was begun with.
  func requireNoContradiction(to configuration: RunConfiguration) throws {
    try requireSameModel(as: configuration)
    try requireSameImages(as: configuration)
    try requireSameTraining(as: configuration)
  }

  private func require<Value: Equatable>(
    _ option: String, _ given: Value?, _ begun: Value?
  ) throws(FileError) {
    guard let given, given != begun else { return }
    throw FileError(
      run, option,
      expected: "\(begun.map { "\($0)" } ?? "none"), with which the run was begun",
      found: "\(given); leave it out, or start a new run")
  }

  private func requireSameModel(as configuration: RunConfiguration) throws(FileError) {
    let model = configuration.model
    try require("--model", self.model, model.name)
    for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
      try require("--set \(name)", value, model.settings[name])
    }
    try require("--head", head?.name, model.head.kind.name)
    try require("--adapters", adapters, configuration.start?.adapters)
    if configuration.start == nil { try require("--from", from, nil) }
    try require("--components", components, model.head.components)
    try require("--levels", levels, configuration.pixels.levels)
    try require("--binarize", binarization?.rawValue, configuration.pixels.rawValue)
  }

  private func requireSameImages(as configuration: RunConfiguration) throws(FileError) {
    func name(_ sides: (width: Int, height: Int)) -> String { "\(sides.width)x\(sides.height)" }
    func name(_ channels: Int) -> String { channels == 1 ? "gray" : "rgb" }
    let (image, data) = (configuration.model.image, configuration.data)
    try require("--size", size.map(name), name((image.width, image.height)))
    try require(
      "--crop", crop.map(name), configuration.crops.map { name(($0.width, $0.height)) })
    try require("--scale", scale, configuration.crops?.scale)
    if configuration.crops?.flips != false { try require("--no-flips", flips ? nil : "it", nil) }
    try require("--channels", channels.map(name), name(image.channels))
    if data.trainingImagesByClass == nil {
      try require("--classes", usesClasses ? "it" : nil, nil)
    }
    if data.validationPath == nil { try require("--validation", validation, nil) }
    try require("--hold-out", holdOut, data.heldOut?.asked)
    try require("--group-by", groupBy, data.heldOut?.groupBy)
  }

  private func requireSameTraining(as configuration: RunConfiguration) throws(FileError) {
    let training = configuration.training
    switch training.duration {
    case .epochs(let count):
      try require("--epochs", epochs, count)
      try require("--minutes", minutes, nil)
    case .minutes(let count):
      try require("--minutes", minutes, count)
      try require("--epochs", epochs, nil)
    }
    for (option, given, begun) in changes(comparedTo: configuration) {
      try require(option, given, begun)
    }
    try require("--patience", patience, training.patience?.epochs ?? 0)
    try require("--batch", batch, training.batch)
    try require("--learning-rate", learningRate, training.learningRate)
    try require("--weight-decay", weightDecay, training.weightDecay)
    try require("--optimiser", optimiser, training.rule)
    try require("--precision", precision?.rawValue, training.precision.rawValue)
    try require("--seed", seed, configuration.seed)
  }
}
