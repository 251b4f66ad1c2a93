import Detection
import Files
import Heads
import Images
import Models
import RunFiles
import Training

/// The images of a training of both experts.
struct ExpertImages {
  let all: ScaledImages
  /// Indices of those that the local expert does not learn from.
  let heldOut: [Int]
  let groups: [Int]
}

/// Images that are learned from random crops.
extension Ground {
  /// A new run's; nil where it was stopped.
  init?(cropping request: TrainingRequest, by plan: CropPlan, _ listener: Listener) throws {
    let seed = request.seed ?? 0
    let channels = plan.experts ? 1 : request.channels ?? 1
    let cropping = Cropping(request, plan.crops, channels: channels, seed: seed, listener)
    guard let all = try cropping.images(at: request.data) else { return nil }
    let pixels: PixelEncoding =
      request.binarization == .threshold || request.head?.levels.upperBound == 2
      ? .threshold
      : .logLevels(request.levels ?? CropPlan.levels, spanning: all.intensityCounts)
    let name = request.model ?? CropPlan.model
    let model = try ModelSpecification(
      name: name, settings: request.settings,
      head: request.head(ofLevels: pixels.levels, model: name),
      image: ImageShape(height: plan.crops.height, width: plan.crops.width, channels: channels),
      seed: seed)
    try TrainingSize(request, model).checkWeights()
    try request.requireKernels(of: model)
    guard
      let parts = try cropping.parts(
        of: all, experts: plan.experts,
        HoldOut(count: request.holdOut, groupBy: request.groupBy),
        validationPath: request.validation)
    else { return nil }
    var options = request.options(for: model.family)
    if request.epochs == nil && request.minutes == nil {
      let epochs = (CropPlan.cropCount + parts.training.count - 1) / parts.training.count
      options.duration = .epochs(max(1, epochs))
    }
    var configuration = RunConfiguration(
      model: model, pixels: pixels,
      data: DataDescription(
        path: request.data, training: parts.training, validationPath: request.validation,
        validation: parts.validation),
      training: options, seed: seed)
    configuration.crops = plan.crops
    configuration.experts = plan.experts
    if let experts = parts.experts {
      configuration.data.heldOut = .init(
        asked: request.holdOut, groupBy: request.groupBy, images: experts.heldOut.count)
    }
    self.init(
      folder: try RunFolder.claim(request.run), configuration: configuration, parts, all,
      request.data)
  }

  /// A run's that is taken up again; nil where it was stopped.
  init?(
    cropping request: TrainingRequest, again configuration: RunConfiguration,
    _ crops: CropOptions, in folder: RunFolder, _ listener: Listener
  ) throws {
    let cropping = Cropping(
      request, crops, channels: configuration.model.image.channels, seed: configuration.seed,
      listener)
    let begun = configuration.data.heldOut
    guard let all = try cropping.images(at: request.data),
      let parts = try cropping.parts(
        of: all, experts: configuration.experts == true,
        HoldOut(count: begun?.asked, groupBy: begun?.groupBy),
        validationPath: request.validation ?? configuration.data.validationPath)
    else { return nil }
    self.init(folder: folder, configuration: configuration, parts, all, request.data)
  }

  private init(
    folder: RunFolder, configuration: RunConfiguration, _ parts: Cropping.Parts,
    _ all: ScaledImages, _ path: String
  ) {
    self.init(
      folder: folder, configuration: configuration, training: parts.training,
      validation: parts.validation,
      reading: [FilesRead(path: path, skipped: all.skipped, flawed: all.flawed)])
    experts = parts.experts
  }
}

/// How a training takes crops.
private struct Cropping {
  let request: TrainingRequest
  let crops: CropOptions
  let channels: Int
  let seed: UInt64
  let listener: Listener

  init(
    _ request: TrainingRequest, _ crops: CropOptions, channels: Int, seed: UInt64,
    _ listener: Listener
  ) {
    self.request = request
    self.crops = crops
    self.channels = channels
    self.seed = seed
    self.listener = listener
  }

  /// Images at the working scale; nil where it was stopped.
  func images(at path: String) throws -> ScaledImages? {
    try ScaledImages.load(
      path, for: crops, channels: channels, strict: request.strict,
      followLinks: request.followsLinks, watch: listener.read)
  }

  struct Parts {
    var training: Crops
    var validation: DataSet?
    var experts: ExpertImages?
  }

  /// Crops to learn from; crops to validate on, of other images; and the images of both experts, who
  /// validate on none: so few steps of so small a model do not learn by heart.
  func parts(
    of all: ScaledImages, experts: Bool, _ holdOut: HoldOut, validationPath: String?
  ) throws -> Parts? {
    var learned = all
    var validation: DataSet?
    var both: ExpertImages?
    if experts {
      guard all.count > 1 else {
        throw FileError(
          request.data, expected: "at least 2 images, one to learn from and one to set aside",
          found: "\(all.count)")
      }
      if holdOut.count == 0 {
        throw OptionError(
          "--hold-out", expected: "at least 1 for both experts, who rank images among those",
          found: "0")
      }
      let groups = try holdOut.groups(of: all.miniatureSet)
      let heldOut = heldOutImages(groups: groups, seed: seed, count: holdOut.count)
      learned = all.without(heldOut)
      tell(all, heldOut)
      let few = try TrainingRemark.fewGroups(
        holdOut, data: request.data, heldOut: heldOut.map { all.names[$0] })
      if let few, !request.resumes { listener.remark(few) }
      both = ExpertImages(all: all, heldOut: heldOut, groups: groups)
    }
    if let validationPath {
      guard let others = try images(at: validationPath) else { return nil }
      validation = fixed(others)
    } else if !experts, all.count > 9 {
      let heldOut = heldOutImages(groups: all.copyGroups, seed: seed)
        .prefix(max(1, all.count / 10))
      learned = all.without(heldOut)
      validation = fixed(all[heldOut.sorted()])
    }
    return Parts(training: cropped(learned), validation: validation, experts: both)
  }

  /// Warns of series on both sides.
  private func tell(_ all: ScaledImages, _ heldOut: [Int]) {
    guard !request.resumes, request.groupBy == nil, all.count <= DataSet.mostCompared else {
      return
    }
    let held = Set(heldOut)
    let series = all.miniatureSet.shareInSeries(
      heldOut, among: all.images.indices.filter { !held.contains($0) })
    if let (share, chance) = series, HoldOut.isTelling(share, chance) {
      listener.remark(.series(data: request.data, share: share, byChance: chance))
    }
  }

  private func cropped(_ images: ScaledImages) -> Crops {
    Crops(of: images, width: crops.width, height: crops.height, flips: crops.flips, atLeast: 1_000)
  }

  /// The same crops in every epoch.
  private func fixed(_ images: ScaledImages) -> DataSet {
    let crops = cropped(images)
    return crops.dataSet(
      0..<min(crops.count, 4 * images.count), epoch: PixelEncoding.evaluationEpoch, seed: seed)
  }
}

extension ScaledImages {
  fileprivate func without(_ indices: some Sequence<Int>) -> ScaledImages {
    let left = Set(indices)
    return self[images.indices.filter { !left.contains($0) }]
  }
}
