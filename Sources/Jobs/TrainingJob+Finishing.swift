import Detection
import Images
import Models
import Training

/// What comes after the last step.
extension TrainingJob {
  /// Learns what later images are judged by; false where it was stopped.
  func finish(_ ground: Ground, _ listener: Listener) throws -> Bool {
    if ground.configuration.model.family.isClassifier {
      let classifier = try TrainedClassifier(run: request.run, backend: backend)
      if let validation = ground.validation { try classifier.calibrate(on: validation) }
      return true
    }
    let trained = try TrainedModel(run: request.run, backend: backend)
    let judging = { (done: Int, total: Int) in listener.tell(.judging(done: done, of: total)) }
    if let experts = ground.experts { return try finish(experts, of: trained, judging) }
    guard let held = ground.held, let images = ground.training as? DataSet else { return true }
    if try trained.gaussian() == nil, let gaussian = trained.gaussian(of: images) {
      try gaussian.write(to: trained.run.gaussianFile)
    }
    // One of earlier weights, where the run was taken further, is no longer right.
    guard held.count > 0, (try? trained.calibration()) == nil else { return true }
    let description =
      "\(held.count) image\(held.count == 1 ? "" : "s") of \(request.data) set aside by train"
    let calibration = try trained.calibration(
      on: held, description, heldOut: true, progress: judging)
    guard let calibration else { return false }
    try calibration.write(to: trained.run.calibrationFile)
    if let controls = calibration.controls, !controls.isEmpty {
      listener.remark(.controls(controls))
    }
    return true
  }

  /// Fits the global expert and judges what was set aside.
  private func finish(
    _ experts: ExpertImages, of trained: TrainedModel, _ judging: (Int, Int) -> Bool
  ) throws -> Bool {
    // Those of earlier weights are no longer right.
    if (try? Experts(of: trained)) ?? nil != nil { return true }
    return try Experts.finish(
      trained, experts.all, heldOut: experts.heldOut, groups: experts.groups, progress: judging)
  }
}

extension TrainedModel {
  /// The calibration that normal images make, grouped as the run's training was asked to.
  /// - Parameters:
  ///   - description: what the images are, in words.
  ///   - heldOut: whether none of them was trained or validated on; nil where that is not known.
  ///   - further: scores that take passes of their own.
  ///   - controls: whether to try what the calibration tells apart, which takes a thousand images more.
  ///   - progress: called after each batch with the images done, of so many; answers whether to go on.
  /// - Returns: nil where it was stopped.
  public func calibration(
    on images: DataSet, _ description: String, heldOut: Bool?,
    further: FurtherScores = FurtherScores(),
    controls: Bool = true,
    progress: (_ images: Int, _ total: Int) -> Bool = { _, _ in true }
  ) throws -> Calibration? {
    let controls = controls && images.count >= ConformalVerdict.fewest
    let total = images.count + (controls ? Control.count(from: images.count) : 0)
    let groups = try HoldOut(groupBy: configuration.data.heldOut?.groupBy).groups(of: images)
    let found = try Scorer(self, further: further).calibration(
      of: images, description, heldOut: heldOut, groups: groups
    ) { progress($0, total) }
    guard var calibration = found else { return nil }
    guard controls else { return calibration }
    let results = try Scorer(self, calibration: calibration).controls(of: images) {
      progress(images.count + $0, total)
    }
    guard let results else { return nil }
    calibration.controls = results
    return calibration
  }
}
