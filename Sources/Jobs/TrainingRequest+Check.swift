import Detection
import Heads
import Models

extension TrainingRequest {
  /// Refuses what contradicts itself or what no training has, before anything is read.
  /// - Throws: `OptionError`; `ModelError` for a model or a setting that there is not.
  public func check() throws {
    try checkNumbers()
    try checkStart()
    try checkClassifier()
    try checkImages()
    if epochs != nil && minutes != nil {
      throw OptionError("--epochs, --minutes", expected: "one of them", found: "both")
    }
    do {
      _ = try HoldOut(groupBy: groupBy).keys(of: [])
    } catch {
      throw OptionError(
        "--group-by", expected: "folder or a regular expression", found: groupBy ?? "")
    }
    // A run that is gone on with has its own model, which these must be settings of.
    if model != nil || !resumes && from == nil {
      let name = model ?? (learnsCrops ? CropPlan.model : Self.usualModel)
      _ = try ModelSpecification(
        name: name, settings: settings,
        head: Head(ModelFamily.named(name)?.usualHead(ofLevels: 2) ?? .bernoulli, levels: 2),
        image: ImageShape(height: 1, width: 1, channels: 1))
      try requireSteps(name)
    }
  }

  private func checkNumbers() throws(OptionError) {
    for (option, path) in [("DATA", data), ("--run", run), ("--validation", validation ?? " ")] {
      try OptionError.requirePath(option, path)
    }
    func count(_ option: String, _ value: Int?, _ range: ClosedRange<Int>) throws(OptionError) {
      try OptionError.require(option, value, "\(range.lowerBound) ... \(range.upperBound)") {
        range.contains($0)
      }
    }
    func number(
      _ option: String, _ value: Double?, _ expected: String, _ isSensible: (Double) -> Bool
    ) throws(OptionError) {
      try OptionError.require(option, value, expected, isSensible)
    }
    try count("--epochs", epochs, 1...1_000_000_000)
    try count("--patience", patience, 0...1_000_000_000)
    try count("--hold-out", holdOut, 0...1_000_000)
    try count("--batch", batch, 1...1_048_576)
    try count("--levels", levels, 2...256)
    try number("--minutes", minutes, "more than 0, at most 10000000") { $0 > 0 && $0 <= 1e7 }
    try number("--learning-rate", learningRate, "more than 0") { $0 > 0 && $0.isFinite }
    try number("--weight-decay", weightDecay, "0 or more") { $0 >= 0 && $0.isFinite }
    try number("--checkpoint-every", checkpointInterval, "0 or more") { $0 >= 0 }
    try count("--shift", augmentation?.shift, 0...4096)
    try count("--orders", orders, 1...8)
    try number("--scale", scale, "more than 0, at most 1") { $0 > 0 && $0 <= 1 }
  }

  private func checkImages() throws(OptionError) {
    for (option, sides) in [("--size", size), ("--crop", crop)] {
      guard let sides else { continue }
      guard (1...4096).contains(sides.width), (1...4096).contains(sides.height) else {
        throw OptionError(
          option, expected: "sides 1 ... 4096", found: "\(sides.width)x\(sides.height)")
      }
    }
    try OptionError.require("--channels", channels, "1 or 3") { (count: Int) in
      count == 1 || count == 3
    }
    if let levels, levels != 2, binarization != nil {
      throw OptionError("--levels", expected: "the 2 of --binarize", found: "\(levels)")
    }
    if let levels, levels != 2 { try head?.require(levels) }
    try checkComponents()
    guard learnsCrops else { return }
    try requireNoChanges()
    if size != nil {
      throw OptionError("--size, --crop", expected: "one of them", found: "both")
    }
    if usesClasses { throw OptionError("--crop", expected: "no --classes", found: "it") }
    if binarization == .stochastic {
      throw OptionError("--crop", expected: "--binarize threshold or none", found: "stochastic")
    }
    if channels == 3, model ?? CropPlan.model == CropPlan.model {
      throw OptionError(
        "--channels", expected: "gray, which both experts work in", found: "rgb")
    }
  }
}

extension TrainingRequest {
  /// Refuses what only densities of images have.
  private func checkClassifier() throws(OptionError) {
    guard isOfClassifier else { return }
    let given = [
      ("--hold-out", holdOut != nil && holdOut != 0), ("--orders", orders != nil && orders != 1),
      ("--crop", crop != nil), ("--scale", scale != nil), ("--from", from != nil),
      ("--adapters", adapters != nil), ("--head", head != nil),
    ].filter(\.1).map(\.0)
    guard given.isEmpty else {
      throw OptionError(
        given.joined(separator: ", "), expected: "none with --model \(model ?? ""), a classifier",
        found: given.count == 1 ? "it" : "them")
    }
  }

  private func checkComponents() throws(OptionError) {
    guard let components, let head = head ?? (resumes ? nil : .categorical) else { return }
    guard let range = head.components else {
      throw OptionError(
        "--components", expected: "a mixture, as by --head logistic-mixture", found: "\(head.name)")
    }
    try OptionError.require(
      "--components", components, "\(range.lowerBound) ... \(range.upperBound)", range.contains)
  }
}

extension Head.Kind {
  /// Refuses a number of levels that it cannot have.
  package func require(_ count: Int) throws(OptionError) {
    let own =
      levels.count == 1 ? "\(levels.lowerBound)" : "\(levels.lowerBound) ... \(levels.upperBound)"
    try OptionError.require("--levels", count, "the \(own) of --head \(name)") {
      levels.contains($0)
    }
  }
}
