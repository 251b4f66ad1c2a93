import Generation
import Images
import Models
import Reports
import Tensors
import Training

/// What the model draws as its training goes on: `samples/epoch-012.png`, and in TensorBoard.
///
/// ```swift
/// let sheets = SampleSheets(of: trainer, in: folder.samplesFolder, on: CPUBackend.shared)!
/// let summary = try trainer.train { progress in
///   if case .epochEnd = progress.moment { try sheets.epochEnded(progress) }
///   return true
/// }
/// ```
public final class SampleSheets {
  private let trainer: Trainer
  private let model: any DensityModel
  private let folder: String
  private let backend: any Backend
  private let start = ContinuousClock.now
  /// Seconds spent drawing, and what a sheet costs: a guess until one has been tried.
  private var spent = 0.0
  private var cost = 0.25
  private var lastShare = 0.0

  private static let images = 16
  /// Drawing may take this share of the time at most.
  private static let share = 0.05
  /// And there is one sheet at most for each such share of the training.
  private static let spacing = 0.05

  /// Nil of a training of a classifier, which draws nothing.
  public init?(of trainer: Trainer, in folder: String, on backend: any Backend) {
    guard let model = trainer.averagedModel as? any DensityModel else { return nil }
    self.model = model
    self.trainer = trainer
    self.folder = folder
    self.backend = backend
  }

  /// Draws a sheet at the end of an epoch, where there is time for it.
  /// - Parameter goesOn: asked between sub-pixels whether to.
  /// - Throws: `GenerationError` where the model's probabilities are not numbers, `FileError` where the
  ///   disk fails.
  public func epochEnded(_ progress: Trainer.Progress, goesOn: @escaping () -> Bool = { true })
    throws
  {
    let now = ContinuousClock.now
    let budget = Self.share * ((now - start) / .seconds(1)) - spent
    guard progress.done - lastShare >= Self.spacing, cost < budget else { return }
    lastShare = progress.done
    let configuration = trainer.configuration
    let sampler = Sampler(
      model, in: Context(Engine(backend, .float32)), seed: configuration.seed,
      label: configuration.model.classes.map { classes in { $0 % classes } })
    let all = Double(Self.images * configuration.model.image.dimension)
    let batch = try sampler.draw(0..<Self.images) { [self] done in
      let seconds = (ContinuousClock.now - now) / .seconds(1)
      if done > 0 { cost = seconds * all / Double(done) }
      return seconds < budget && goesOn()
    }
    spent += (ContinuousClock.now - now) / .seconds(1)
    guard let batch else { return }
    let sheet = grid(
      of: (0..<batch.count).map { configuration.pixels.image(from: batch, at: $0) },
      columns: 8)
    try sheet.writePNG(to: "\(folder)/epoch-\(padded(progress.epoch, to: 3)).png")
    try trainer.record(sheet, as: "samples")
  }
}

/// A number with zeros before it: `0012`.
func padded(_ number: Int, to length: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, length - digits.count)) + digits
}
