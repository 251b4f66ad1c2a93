import ArgumentParser
import Heads
import Jobs

extension TrainingRequest.Binarization: ExpressibleByArgument {}

extension Train {
  func validate() throws {
    try precision?.require("--precision")
    let request = try request()
    try asUsage { try request.check() }
  }

  /// What the flags ask for.
  func request() throws -> TrainingRequest {
    var request = TrainingRequest(data: data, run: runPath)
    request.model = model
    request.settings = try parsedSettings(settings)
    request.head = head
    request.levels = levels
    request.components = components
    request.binarization = binarize
    request.from = start.from
    request.adapters = start.adapters
    request.size = size.map { ($0.width, $0.height) }
    request.crop = crop.map { ($0.width, $0.height) }
    request.scale = scale
    request.flips = !noFlips
    request.augmentation = changes.augmentation
    request.orders = changes.orders
    request.channels = channels?.count
    request.validation = validation
    request.holdOut = holdOut
    request.groupBy = groupBy
    request.usesClasses = classes
    request.strict = reading.strict
    request.followsLinks = reading.followLinks
    request.epochs = epochs
    request.minutes = minutes
    request.patience = patience
    request.batch = batch
    request.learningRate = learningRate
    request.optimiser = optimiser
    request.weightDecay = weightDecay
    request.precision = precision?.precision
    request.seed = common.givenSeed
    request.resumes = resume
    request.mayBeLarge = large
    request.checkpointInterval = checkpointInterval
    request.measuresCost = !common.quiet
    return request
  }
}
