import Files
import Foundation
import Images
import Models
import Training

/// A training that starts from the weights of another run.
extension TrainingRequest {
  func checkStart() throws(OptionError) {
    try OptionError.require("--adapters", adapters, "1 ... 1024") { (1...1_024).contains($0) }
    if let from { try OptionError.requirePath("--from", from) }
    if adapters != nil, from == nil, !resumes {
      throw OptionError("--adapters", expected: "--from, a run to add to", found: "none")
    }
    if from != nil, learnsCrops {
      throw OptionError("--crop", expected: "no --from", found: "it")
    }
  }

  /// The request with all that the run to start from says and this leaves open.
  /// - Throws: `FileError` for what is no run, or one of crops; `OptionError` for a model that takes no
  ///   steps.
  func filled(from base: TrainedModel) throws -> TrainingRequest {
    let configuration = base.configuration
    guard configuration.crops == nil, !configuration.model.family.isClosedForm else {
      throw OptionError(
        "--from", expected: "a run of whole images that was trained by steps",
        found: configuration.crops == nil ? "\(configuration.model.name)" : "one of crops")
    }
    var request = self
    let (model, pixels) = (configuration.model, configuration.pixels)
    if request.model == nil || request.model == model.name {
      request.settings.merge(model.settings) { own, _ in own }
    }
    request.model = request.model ?? model.name
    request.head = request.head ?? model.head.kind
    if request.head == model.head.kind {
      request.components = request.components ?? model.head.components
    }
    if request.binarization == nil && request.levels == nil {
      switch pixels {
      case .threshold: request.binarization = .threshold
      case .stochastic: request.binarization = .stochastic
      default: request.levels = pixels.levels
      }
    }
    request.size = request.size ?? (model.image.width, model.image.height)
    request.channels = request.channels ?? model.image.channels
    return request
  }

  /// What the configuration of the new run says of the run that it starts from.
  func start(from base: TrainedModel) -> Start {
    Start(
      run: URL(filePath: base.run.path).standardizedFileURL.path,
      weights: base.weightsFingerprint, adapters: adapters)
  }
}
