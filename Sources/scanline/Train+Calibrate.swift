import Detection
import Images
import Training

extension Train {
  /// Learns what scores need beside the model, and scores the images set aside, so that later ones can
  /// be ranked among them; where the run has no calibration of these weights yet.
  /// - Returns: false where it was stopped.
  func calibrate(_ job: TrainingJob, _ interruption: Interruption) throws -> Bool {
    // Experts of larger images keep their own.
    guard let held = job.held, let images = job.training as? DataSet else { return true }
    let trained = try TrainedModel(run: runPath)
    if try trained.gaussian() == nil, let gaussian = trained.gaussian(of: images) {
      try gaussian.write(to: trained.run.gaussianFile)
    }
    guard held.count > 0, (try? trained.calibration()) == nil else { return true }
    let run = RunInUse(
      path: runPath, trained: trained, reading: reading, console: common.console,
      interruption: interruption)
    let description = "\(counted(held.count, "image")) of \(data) set aside by train"
    do {
      let calibration = try run.calibration(
        on: held, "images set aside", description, heldOut: true)
      try calibration.write(to: trained.run.calibrationFile)
    } catch  where interruption.isRequested {
      return false
    }
    return true
  }
}
