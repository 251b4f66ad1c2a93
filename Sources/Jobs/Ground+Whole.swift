import Detection
import Heads
import Images
import Models
import RunFiles
import Training

/// Images that are learned whole: which of them are learned, validated on and set aside.
extension Ground {
  /// A new run's; nil where it was stopped.
  init?(whole given: TrainingRequest, _ listener: Listener) throws {
    let base = try given.from.map { try TrainedModel(run: $0) }
    let request = try base.map { try given.filled(from: $0) } ?? given
    let seed = request.seed ?? 0
    guard
      let all = try DataSet.load(
        request.data, options: request.loadingOptions, watch: listener.read)
    else { return nil }
    let pixels = request.pixelEncoding(of: all)
    let name = request.model ?? TrainingRequest.usualModel
    let image = ImageShape(height: all.height, width: all.width, channels: all.channels)
    try request.requireChanges(of: image)
    let model = try ModelSpecification(
      name: name, settings: request.settings(of: name, images: all.count),
      head: request.head(ofLevels: pixels.levels, model: name), image: image,
      classes: try request.classes(of: all), orders: request.orders.flatMap { $0 > 1 ? $0 : nil },
      seed: seed)
    try TrainingSize(request, model).checkWeights()
    try request.requireKernels(of: model)
    try base?.requireFit(of: model, for: request.run, isAddedTo: request.adapters != nil)
    // A classifier judges nothing.
    let asked = request.isOfClassifier ? 0 : request.holdOut
    let holdOut = HoldOut(count: asked, groupBy: request.groupBy)
    let sides = try Self.setAside(holdOut, of: all, seed: seed, listener)
    try Self.tell(sides, request, listener)
    guard
      let parts = try Self.split(
        sides.rest, model.image, request.validation, seed, request,
        toldClasses: model.classes != nil, listener)
    else { return nil }
    var description = DataDescription(
      path: request.data, training: parts.training, validationPath: request.validation,
      validation: parts.validation)
    description.heldOut = .init(
      asked: asked, groupBy: request.groupBy, images: sides.held.count)
    var configuration = RunConfiguration(
      model: model, pixels: pixels, data: description,
      training: request.options(for: model.family, images: all.count), seed: seed)
    configuration.classNames = model.classes.map { _ in all.classNames }
    configuration.start = base.map(request.start)
    self.init(
      folder: try RunFolder.claim(request.run), configuration: configuration,
      training: parts.training, validation: parts.validation,
      reading: Self.read(request.data, all, request.validation, parts.validation))
    held = sides.held
  }

  /// A run's that is taken up again; nil where it was stopped.
  init?(
    whole request: TrainingRequest, again configuration: RunConfiguration, in folder: RunFolder,
    _ listener: Listener
  ) throws {
    let (shape, seed) = (configuration.model.image, configuration.seed)
    let options = request.loadingOptions(
      shape, useClasses: configuration.data.trainingImagesByClass != nil)
    guard
      var all = try DataSet.load(request.data, options: options, watch: listener.read)
    else { return nil }
    // A class that has lost its images is still one.
    if let names = configuration.classNames {
      all = try all.labelled(asIn: names, of: request.data)
    }
    let validationPath = request.validation ?? configuration.data.validationPath
    // Runs of earlier versions set none aside.
    let begun = configuration.data.heldOut
    let holdOut = HoldOut(count: begun == nil ? 0 : begun?.asked, groupBy: begun?.groupBy)
    let sides = try Self.setAside(holdOut, of: all, seed: seed, listener)
    guard
      let parts = try Self.split(
        sides.rest, shape, validationPath, seed, request,
        toldClasses: configuration.classNames != nil, listener)
    else { return nil }
    self.init(
      folder: folder, configuration: configuration, training: parts.training,
      validation: parts.validation,
      reading: Self.read(request.data, all, validationPath, parts.validation))
    held = sides.held
  }

  /// Images in two: those to learn from, and those that later ones are ranked among.
  private static func setAside(
    _ holdOut: HoldOut, of all: DataSet, seed: UInt64, _ listener: Listener
  ) throws -> HoldOut.Sides {
    if all.count >= 4_000 && holdOut.count != 0 {
      listener.remark(.looksForNearDuplicates(images: all.count))
    }
    return try holdOut.divide(all, seed: seed)
  }

  private static func tell(
    _ sides: HoldOut.Sides, _ request: TrainingRequest, _ listener: Listener
  ) throws {
    if sides.leftOut > 0 {
      listener.remark(.nearDuplicatesLeftOut(data: request.data, sides.leftOut))
    }
    if sides.held.count == 0 && request.holdOut != 0 && !request.isOfClassifier {
      listener.remark(.setsNothingAside(data: request.data))
    }
    if let (share, chance) = sides.inSeries, HoldOut.isTelling(share, chance) {
      listener.remark(.series(data: request.data, share: share, byChance: chance))
    }
    let few = try TrainingRemark.fewGroups(
      HoldOut(groupBy: request.groupBy), data: request.data, heldOut: sides.held.names)
    if let few { listener.remark(few) }
  }

  /// The images to train on and those to validate on: another source, or a part of these.
  private static func split(
    _ all: DataSet, _ shape: ImageShape, _ validationPath: String?, _ seed: UInt64,
    _ request: TrainingRequest, toldClasses: Bool, _ listener: Listener
  ) throws -> (training: DataSet, validation: DataSet?)? {
    if listener.isStopped { return nil }
    if let validationPath {
      let validation = try DataSet.load(
        validationPath,
        options: request.loadingOptions(shape, useClasses: toldClasses),
        watch: listener.read)
      return try validation.map {
        (all, toldClasses ? try $0.labelled(asIn: all.classNames, of: validationPath) : $0)
      }
    }
    guard all.count > 1 else { return (all, nil) }
    let (training, validation) = all.split(seed: seed)
    return (training, validation)
  }

  private static func read(
    _ path: String, _ all: DataSet, _ validationPath: String?, _ validation: DataSet?
  ) -> [FilesRead] {
    var reads = [FilesRead(path: path, skipped: all.skipped, flawed: all.flawed)]
    if let validationPath, let validation {
      reads.append(
        FilesRead(
          path: validationPath, skipped: validation.skipped, flawed: validation.flawed))
    }
    return reads
  }
}
