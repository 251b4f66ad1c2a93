import CPU
import Foundation
import Generation
import Images
import Reports
import Tensors
import Training

/// What the model draws as its training goes on: `samples/epoch-012.png`, and in TensorBoard.
final class SampleSheets {
  private let trainer: Trainer
  private let folder: String
  private let interruption: Interruption
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

  init(of trainer: Trainer, in folder: String, _ interruption: Interruption) {
    self.trainer = trainer
    self.folder = folder
    self.interruption = interruption
  }

  /// Draws a sheet at the end of an epoch, where there is time for it.
  func epochEnded(_ progress: Trainer.Progress) throws {
    let now = ContinuousClock.now
    let budget = Self.share * ((now - start) / .seconds(1)) - spent
    guard progress.done - lastShare >= Self.spacing, cost < budget else { return }
    lastShare = progress.done
    let configuration = trainer.configuration
    let sampler = Sampler(
      trainer.averagedModel, in: Context(Engine(CPUBackend.shared, .float32)),
      seed: configuration.seed)
    let all = Double(Self.images * configuration.model.image.dimension)
    let batch = try sampler.draw(0..<Self.images) { [self] done in
      let seconds = (ContinuousClock.now - now) / .seconds(1)
      if done > 0 { cost = seconds * all / Double(done) }
      return seconds < budget && !interruption.isRequested
    }
    spent += (ContinuousClock.now - now) / .seconds(1)
    guard let batch else { return }
    let sheet = grid(
      of: (0..<batch.count).map { configuration.pixels.image(from: batch, at: $0) },
      columns: 8)
    let number = String(progress.epoch)
    let name = String(repeating: "0", count: max(0, 3 - number.count)) + number
    try sheet.writePNG(to: "\(folder)/epoch-\(name).png")
    try trainer.record(sheet, as: "samples")
  }
}
