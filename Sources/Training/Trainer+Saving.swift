import RunFiles

/// What is written: checkpoints, weights, the record.
extension Trainer {
  /// Writes a checkpoint and, where they are the ones to use, the averaged weights.
  func save(isBest: Bool = false) throws {
    // Until a validation has found weights that are better, the latest are the ones to use.
    let keeps = isBest || !state.bestValidation.isFinite
    if keeps { state.weightsStep = state.step }
    try record().synchronise()
    // The first checkpoint comes before the first weights: weights alone are those of a run that has
    // lost its checkpoint.
    let isFirst = !run.hasCheckpoint
    if keeps && !isFirst { try keepWeights() }
    try learner.optimiser.writeCheckpoint(to: run.checkpointFile, state)
    if keeps && isFirst { try keepWeights() }
    sitting.lastCheckpoint = sitting.clock.seconds
  }

  /// Writes the averaged weights as those to use.
  func keepWeights() throws {
    var metadata = ["step": "\(state.weightsStep)"]
    if state.bestValidation.isFinite {
      metadata["validation_nats_per_image"] = "\(state.bestValidation)"
    }
    try learner.averagedParameters.write(to: run.weightsFile, metadata: metadata)
  }

  /// The record of the run, opened when there is something to write down: nothing is written to a
  /// run that is finished.
  func record() throws -> TrainingRecord {
    if let openedRecord { return openedRecord }
    let record = try TrainingRecord(of: run, after: sitting.lastRecordedStep)
    openedRecord = record
    return record
  }
}
