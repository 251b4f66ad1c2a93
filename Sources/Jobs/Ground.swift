import Images
import Reports
import RunFiles
import Tensors
import Training

/// What a training stands on: a run folder, its configuration and the images.
struct Ground {
  let folder: RunFolder
  let configuration: RunConfiguration
  let training: any TrainingImages
  let validation: DataSet?
  /// Set aside; nil where the experts keep their own.
  var held: DataSet?
  /// Where the run is to hold both experts.
  var experts: ExpertImages?
  /// What is to be told of the files read.
  let reading: ReadingReport

  /// A new run's; nil where it was stopped.
  init?(_ request: TrainingRequest, _ listener: Listener) throws {
    // Before the images are read, which may take a while.
    try RunFolder.requireFree(request.run)
    let ground =
      if let plan = try CropPlan(request, listener) {
        try Ground(cropping: request, by: plan, listener)
      } else {
        try Ground(whole: request, listener)
      }
    guard let ground else { return nil }
    self = ground
    if try reading.write(to: folder.unreadableFile) {
      listener.remark(
        .unreadableFiles(table: folder.unreadableFile, reading.unreadable.count))
    }
    if listener.isStopped { return nil }
  }

  /// That of a run taken up again: its configuration decides, and nothing may say otherwise; but a
  /// finished one may be taken further. Nil where it was stopped.
  init?(resuming request: TrainingRequest, on backend: any Backend, _ listener: Listener) throws {
    let folder = try RunFolder.resume(at: request.run)
    let configuration = try request.takenFurther(.read(from: folder), in: folder)
    try request.requireNoContradiction(to: configuration)
    // Before the images are read.
    try configuration.requirePrecision(of: backend, for: folder)
    let ground =
      if let crops = configuration.crops {
        try Ground(cropping: request, again: configuration, crops, in: folder, listener)
      } else {
        try Ground(whole: request, again: configuration, in: folder, listener)
      }
    guard let ground else { return nil }
    self = ground
  }

  init(
    folder: RunFolder, configuration: RunConfiguration, training: any TrainingImages,
    validation: DataSet?, reading: [FilesRead]
  ) {
    self.folder = folder
    self.configuration = configuration
    self.training = training
    self.validation = validation
    self.reading = ReadingReport(reading)
  }
}
