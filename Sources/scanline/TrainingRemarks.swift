import Files
import Jobs
import Training

/// What a person should know of a training before it begins and as it goes.
extension TrainingDisplay {
  /// Says what is trained on what, and from where.
  func show(_ preparation: TrainingJob.Preparation) {
    let configuration = preparation.configuration
    let (model, data) = (configuration.model, configuration.data)
    let settings = model.settings.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    console.note(
      "\(run): \(model.name)\(settings.joined()), \(preparation.parameters) parameters,"
        + " \(model.head.kind.rawValue) head, \(configuration.training.precision.rawValue)")
    let validation =
      data.validationImages == 0
      ? "none to validate on" : "\(data.validationImages) more to validate on"
    let aside = data.heldOut.map { $0.images > 0 ? ", \($0.images) set aside" : "" } ?? ""
    let images =
      counted(data.trainingImages, configuration.crops == nil ? "image" : "crop")
      + (configuration.crops == nil ? "" : " an epoch,")
    let classes = data.trainingImagesByClass.map { " in \($0.count) classes" } ?? ""
    console.note(
      "\(images) \(model.image)\(classes), \(configuration.pixels),"
        + " \(validation)\(aside); \(length(of: configuration))")
    if preparation.isFinished {
      let further =
        configuration.model.family.isClosedForm
        ? "" : "; a larger --epochs or --minutes takes it further"
      console.note("finished already: nothing to do\(further)")
    } else if let earlier = configuration.earlier?.last, earlier.steps == preparation.steps {
      console.note(
        "taking it further: from the best weights, by a new schedule after epoch \(earlier.epochs)")
    } else if preparation.steps > 0 {
      console.note("going on after step \(preparation.steps)")
    } else if data.trainingImages < Self.few {
      console.note(
        "few images: the model may come to know these by heart; that is so where validation gets"
          + " worse while training gets better")
    }
  }

  /// Images below which overfitting is likely.
  private static let few = 1000

  private func length(of configuration: RunConfiguration) -> String {
    if configuration.model.family.isClosedForm { return "fitted in closed form" }
    let training = configuration.training
    let limit =
      training.patience.map {
        ", or until validation has not improved for \(counted($0.epochs, "epoch"))"
          + ($0.share > 0 ? " and \(Int(100 * $0.share)) % of that" : "")
      } ?? ""
    let time =
      switch training.duration {
      case .epochs(let count): counted(count, "epoch")
      case .minutes(let minutes): duration(60 * minutes)
      }
    return "\(time)\(limit), \(training.batch) images a step"
  }

  /// Says what it takes.
  func show(_ cost: TrainingCost) {
    let takesSteps = configuration?.model.family.isClosedForm != true
    var time = takesSteps ? "; about \(significant(cost.secondsPerStep)) s a step" : ""
    if takesSteps { time += ", \(counted(cost.stepsPerEpoch, "step")) an epoch" }
    if takesSteps, case .epochs(let count)? = configuration?.training.duration {
      let left = Double(count) * Double(cost.stepsPerEpoch) - Double(preparation?.steps ?? 0)
      time += ", \(duration(max(0, left) * cost.secondsPerStep)) in all"
    }
    console.note(
      "weights \(bytes(cost.weightBytes)), run \(bytes(cost.diskBytes)) on the disk, about"
        + " \(bytes(cost.memoryBytes)) of memory\(time)")
  }

  /// A remark where validation has not improved for half as long as it may, once each time.
  func remark(on progress: Trainer.Progress) -> String? {
    let patience = configuration?.training.patience?.epochs ?? 10
    guard let epochs = progress.epochsSinceBest, epochs == max(2, patience / 2),
      let validation = progress.validationBitsPerDimension
    else { return nil }
    let found =
      "validation has not improved for \(counted(epochs, "epoch")): it is \(fixed(validation, 4))"
      + " \(unit), training \(fixed(progress.trainBitsPerDimension, 4))"
    return validation > progress.trainBitsPerDimension
      ? "\(found): the model is learning its images by heart; more images, --weight-decay, dropout or"
        + " a smaller model help" : found
  }
}
