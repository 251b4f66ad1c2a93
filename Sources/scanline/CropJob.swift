import Detection
import Files
import Foundation
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

extension TrainingJob {
  /// A new run that learns from crops.
  init(beginning command: Train, _ plan: CropPlan) throws {
    let (console, seed) = (command.common.console, command.common.seed)
    let channels = plan.experts ? 1 : command.channels?.count ?? 1
    let all = try command.loadScaled(command.data, plan.crops, channels: channels, console)
    let pixels: PixelEncoding =
      command.binarize == .threshold || command.head?.levels.upperBound == 2
      ? .threshold
      : .logLevels(command.levels ?? CropPlan.levels, spanning: all.intensityCounts)
    let name = command.model ?? CropPlan.model
    let model = try ModelSpecification(
      name: name, settings: try command.parsedSettings(),
      head: command.head(ofLevels: pixels.levels, model: name),
      image: ImageShape(height: plan.crops.height, width: plan.crops.width, channels: channels),
      seed: seed)
    try command.size(of: model).checkWeights()
    let parts = try Self.parts(of: all, plan.crops, plan.experts, command, command.validation, seed)
    var options = command.options(for: model.family)
    if command.epochs == nil && command.minutes == nil {
      let epochs = (CropPlan.cropCount + parts.training.count - 1) / parts.training.count
      options.duration = .epochs(max(1, epochs))
    }
    var configuration = RunConfiguration(
      model: model, pixels: pixels,
      data: DataDescription(
        path: command.data, training: parts.training, validationPath: command.validation,
        validation: parts.validation),
      training: options, seed: seed)
    configuration.crops = plan.crops
    configuration.experts = plan.experts
    let folder = try RunFolder.create(at: command.runPath, configuration: configuration)
    Interruption.beforeEnding { unlink(folder.configurationFile) }
    self.init(
      folder: folder, configuration: configuration, training: parts.training,
      validation: parts.validation, experts: parts.experts,
      reading: ReadingReport(command.data, all))
    try reading.write(to: folder.unreadableFile, console)
  }

  /// A run taken up again that learns from crops.
  init(
    resuming command: Train, in folder: RunFolder, _ configuration: RunConfiguration,
    _ crops: CropOptions
  ) throws {
    let all = try command.loadScaled(
      command.data, crops, channels: configuration.model.image.channels, command.common.console)
    let parts = try Self.parts(
      of: all, crops, configuration.experts == true, command,
      command.validation ?? configuration.data.validationPath, configuration.seed)
    self.init(
      folder: folder, configuration: configuration, training: parts.training,
      validation: parts.validation, experts: parts.experts,
      reading: ReadingReport(command.data, all))
  }

  /// Crops to learn from; crops to validate on, of other images; and the images of both experts, who
  /// validate on none: so few steps of so small a model do not learn by heart.
  private static func parts(
    of all: ScaledImages, _ crops: CropOptions, _ experts: Bool, _ command: Train,
    _ validationPath: String?, _ seed: UInt64
  ) throws -> (training: Crops, validation: DataSet?, experts: ExpertImages?) {
    func cropped(_ images: ScaledImages) -> Crops {
      Crops(
        of: images, width: crops.width, height: crops.height, flips: crops.flips, atLeast: 1_000)
    }
    func fixed(_ images: ScaledImages) -> DataSet {
      let crops = cropped(images)
      return crops.dataSet(
        0..<min(crops.count, 4 * images.count), epoch: PixelEncoding.evaluationEpoch, seed: seed)
    }
    var learned = all
    var validation: DataSet?
    var both: ExpertImages?
    if experts {
      guard all.count > 1 else {
        throw CommandError(
          "\(command.data): expected at least 2 images, one to learn from and one to set aside,"
            + " found \(all.count)")
      }
      let groups = all.copyGroups
      let heldOut = heldOutImages(groups: groups, seed: seed)
      let held = Set(heldOut)
      learned = all[all.images.indices.filter { !held.contains($0) }]
      both = ExpertImages(all: all, heldOut: heldOut, groups: groups)
    }
    if let validationPath {
      validation = fixed(
        try command.loadScaled(
          validationPath, crops, channels: all.images[0].channels, command.common.console))
    } else if !experts, all.count > 9 {
      let heldOut = heldOutImages(groups: all.copyGroups, seed: seed)
      let held = Set(heldOut.prefix(max(1, all.count / 10)))
      learned = all[all.images.indices.filter { !held.contains($0) }]
      validation = fixed(all[held.sorted()])
    }
    return (cropped(learned), validation, both)
  }
}
