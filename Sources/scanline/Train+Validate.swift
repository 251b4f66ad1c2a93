import ArgumentParser
import Detection
import Heads

extension Train {
  func validate() throws {
    try precision?.require("--precision")
    for (flag, path) in [("DATA", data), ("--run", runPath), ("--validation", validation ?? " ")] {
      try requirePath(flag, path)
    }
    if epochs != nil && minutes != nil {
      throw ValidationError("expected --epochs or --minutes, found both")
    }
    try expect("--epochs", epochs, "1 ... 1000000000") { (1...1_000_000_000).contains($0) }
    try expect("--patience", patience, "0 ... 1000000000") { (0...1_000_000_000).contains($0) }
    try expect("--hold-out", holdOut, "0 ... 1000000") { (0...1_000_000).contains($0) }
    do {
      _ = try HoldOut(groupBy: groupBy).keys(of: [])
    } catch {
      throw ValidationError("--group-by: \(error)")
    }
    try expect("--batch", batch, "1 ... 1048576") { (1...1_048_576).contains($0) }
    try expect("--minutes", minutes, "more than 0, at most 10000000") { $0 > 0 && $0 <= 1e7 }
    try expect("--learning-rate", learningRate, "more than 0") { $0 > 0 && $0.isFinite }
    try expect("--weight-decay", weightDecay, "0 or more") { $0 >= 0 && $0.isFinite }
    try expect("--checkpoint-every", checkpointInterval, "0 or more") { $0 >= 0 }
    try expect("--levels", levels, "2 ... 256") { (2...256).contains($0) }
    if let levels, levels != 2 {
      if binarize != nil {
        throw ValidationError("--binarize makes 2 levels, found --levels \(levels)")
      }
      try head?.require(levels)
    }
    if let components, let head = head ?? (resume ? nil : .categorical) {
      guard let range = head.components else {
        throw ValidationError("--components: expected a mixture, as by --head logistic-mixture")
      }
      try expect(
        "--components", components, "\(range.lowerBound) ... \(range.upperBound)", range.contains)
    }
    try expect("--scale", scale, "more than 0, at most 1") { $0 > 0 && $0 <= 1 }
    if size != nil && (crop != nil || scale != nil) {
      throw ValidationError("expected --size (whole images) or --crop, found both")
    }
    if crop != nil || scale != nil {
      if classes { throw ValidationError("--crop: expected no --classes, found it") }
      if binarize == .stochastic {
        throw ValidationError("--crop: expected --binarize threshold or none, found stochastic")
      }
      if channels == .rgb, model ?? CropPlan.model == CropPlan.model {
        throw ValidationError("--channels: expected gray, which both experts work in, found rgb")
      }
    }
    let settings = try parsedSettings()
    // A resumed run has its own model, which these must be settings of.
    if !resume || model != nil {
      let isCropped = crop != nil || scale != nil
      let name = model ?? (isCropped ? CropPlan.model : defaultModel)
      try requireModel(name, settings)
      try requireSteps(name)
    }
  }
}
