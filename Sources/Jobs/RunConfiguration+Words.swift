import Files
import Heads
import Images
import Models
import Training

extension RunConfiguration {
  /// The words by which a run like this one is trained; what they leave out is the default.
  func trainingWords(to run: String) -> [String] {
    let first = earlier?.first?.training ?? training
    let further = (earlier ?? []).dropFirst().map(\.training) + (earlier == nil ? [] : [training])
    let again = further.flatMap { options in
      [";", "scanline", "train", data.path, "--run", run, "--resume"]
        + lengthWords(options.duration)
    }
    return ["scanline", "train", data.path, "--run", run] + modelWords + imageWords
      + trainingWords(first) + ["--seed", "\(seed)"] + again
  }

  private var modelWords: [String] {
    var words = ["--model", model.name]
    // Dropout too where it is none, as it depends on the number of images.
    for setting in model.family.settings {
      guard let value = model.settings[setting.name] else { continue }
      if value != setting.defaultValue || setting.name == "dropout" {
        words += ["--set", "\(setting.name)=\(value)"]
      }
    }
    let head = model.head
    if head.kind != model.family.usualHead(ofLevels: head.levels) {
      words += ["--head", head.kind.name]
    }
    if let components = head.components,
      components != Head(head.kind, levels: head.levels).components
    {
      words += ["--components", "\(components)"]
    }
    return words
  }

  private var imageWords: [String] {
    var words: [String] = []
    switch pixels {
    case .threshold, .stochastic: words += ["--binarize", pixels.rawValue]
    case .levels(256): break
    case .levels(let count), .logLevels(let count, _, _): words += ["--levels", "\(count)"]
    }
    let size = "\(model.image.width)x\(model.image.height)"
    if let crops {
      words += ["--crop", size, "--scale", "\(crops.scale)"] + (crops.flips ? [] : ["--no-flips"])
    } else {
      words += ["--size", size]
    }
    words += ["--channels", model.image.channels == 1 ? "gray" : "rgb"]
    if let path = data.validationPath { words += ["--validation", path] }
    if let asked = data.heldOut?.asked { words += ["--hold-out", "\(asked)"] }
    if let groups = data.heldOut?.groupBy { words += ["--group-by", "'\(groups)'"] }
    return words
  }

  private func trainingWords(_ options: TrainingOptions) -> [String] {
    guard !model.family.isClosedForm else { return [] }
    let usual = TrainingRequest(data: "", run: "").options(for: model.family)
    var words = lengthWords(options.duration)
    if options.batch != usual.batch { words += ["--batch", "\(options.batch)"] }
    if options.learningRate != usual.learningRate {
      words += ["--learning-rate", "\(options.learningRate)"]
    }
    words += ["--weight-decay", "\(options.weightDecay)"]
    if options.patience != usual.patience {
      words += ["--patience", "\(options.patience?.epochs ?? 0)"]
    }
    if let augmentation = options.augmentation {
      if augmentation.flips { words.append("--flip") }
      if augmentation.shift > 0 { words += ["--shift", "\(augmentation.shift)"] }
      if augmentation.rotates { words.append("--rotate") }
    }
    if let orders = model.orders { words += ["--orders", "\(orders)"] }
    return words + ["--precision", options.precision.rawValue]
  }

  private func lengthWords(_ duration: TrainingOptions.Duration) -> [String] {
    switch duration {
    case .epochs(let count): ["--epochs", "\(count)"]
    case .minutes(let minutes): ["--minutes", "\(minutes)"]
    }
  }
}
