import CPU
import Images
import Models
import Reports
import RunFiles
import Tensors
import Training

/// A training from a folder of images to a run that can be used: what is left open is chosen, images are
/// read and some set aside, the model is trained, and what later images are judged by is learned.
///
/// ```swift
/// var request = TrainingRequest(data: "photos", run: "runs/photos")
/// request.size = (width: 32, height: 32)
/// request.minutes = 20
/// let outcome = try TrainingJob(request).run { event in
///   if case .remark(let remark) = event { print(remark) }
///   return true  // false stops, with a checkpoint
/// }
/// ```
///
/// The folder is no run before the first step: where that is never reached, its name is left to another.
public struct TrainingJob {
  /// What is told as it goes.
  public enum Event: Sendable {
    case reading(Reading)
    case remark(TrainingRemark)
    /// Images are read, and the model is built.
    case prepared(Preparation)
    /// What it takes was measured.
    case cost(TrainingCost)
    /// The first step comes next. From here on there is something to save, and to go on with.
    case begins
    case training(Trainer.Progress)
    /// A sheet of samples is being drawn.
    case drawing
    /// So many steps, of so many, of what later images are judged by are done.
    case judging(done: Int, of: Int)
  }

  /// What is to be trained, and from where.
  public struct Preparation: Sendable {
    public let configuration: RunConfiguration
    /// Live weights.
    public let parameters: Int
    /// Steps done before.
    public let steps: Int
    /// Whether there is nothing left to do.
    public let isFinished: Bool
  }

  /// What came of it.
  public struct Outcome: Sendable {
    /// The run's folder.
    public let run: String
    public let summary: Trainer.Summary
    /// Images set aside that later ones are ranked among; 0 of a run of both experts, which keep their
    /// own.
    public let heldOut: Int
    public let reading: ReadingReport
    public let remarks: [TrainingRemark]
    /// Whether losses are of labels, and not of images.
    public let isOfClassifier: Bool
    /// False where it was stopped: the run can be gone on with.
    public let isComplete: Bool
  }

  public let request: TrainingRequest
  let backend: any Backend

  public init(_ request: TrainingRequest, on backend: any Backend = CPUBackend.shared) {
    self.request = request
    self.backend = backend
  }

  /// Does all of it.
  /// - Parameter watch: called with what happens; answers whether to go on.
  /// - Returns: nil where it was stopped before its first step, which leaves no run.
  /// - Throws: `OptionError` or `ModelError` for a request that makes no sense, `SizeError` for one that
  ///   is too large, `FileError` for images, a run or a disk that fail, and what `Trainer.train` throws.
  public func run(watch: @escaping (Event) -> Bool = { _ in true }) throws -> Outcome? {
    try request.check()
    let listener = Listener(watch)
    guard let ground = try ground(listener) else { return nil }
    let trainer = try trainer(on: ground)
    guard try listener.tell(.prepared(Preparation(trainer))) && measure(trainer, listener),
      listener.tell(.begins)
    else { return nil }
    let sheets = SampleSheets(of: trainer, in: ground.folder.samplesFolder, on: backend)
    let summary = try trainer.train { progress in
      guard listener.tell(.training(progress)) else { return false }
      guard case .epochEnd = progress.moment else { return true }
      try sheets?.epochEnded(progress) { listener.tell(.drawing) }
      return !listener.isStopped
    }
    let isComplete = try !summary.interrupted && finish(ground, listener)
    return Outcome(
      run: request.run, summary: summary, heldOut: ground.held?.count ?? 0,
      reading: ground.reading, remarks: listener.remarks,
      isOfClassifier: ground.configuration.model.family.isClassifier, isComplete: isComplete)
  }

  private func ground(_ listener: Listener) throws -> Ground? {
    request.resumes
      ? try Ground(resuming: request, on: backend, listener) : try Ground(request, listener)
  }

  private func trainer(on ground: Ground) throws -> Trainer {
    do {
      return try Trainer(
        run: ground.folder, configuration: ground.configuration, training: ground.training,
        validation: ground.validation, backend: backend,
        checkpointInterval: request.checkpointInterval)
    } catch let error as ModelError where !request.resumes {
      throw SizeError(request.run, ground.configuration.model, .impossible(error))
    }
  }

  /// Measures what it takes, and refuses a new run that takes too much; false where it was stopped.
  private func measure(_ trainer: Trainer, _ listener: Listener) throws -> Bool {
    guard !trainer.isFinished, request.measuresCost || !request.resumes else { return true }
    let cost = trainer.measureCost()
    let goesOn = listener.tell(.cost(cost))
    if !request.resumes {
      try TrainingSize(request, trainer.configuration.model).check(cost)
    }
    return goesOn
  }
}

extension TrainingJob.Preparation {
  init(_ trainer: Trainer) {
    self.init(
      configuration: trainer.configuration, parameters: trainer.parameterCount,
      steps: trainer.step, isFinished: trainer.isFinished)
  }
}

/// Who is told of a training, and whether they want it to go on: once they do not, they do not.
final class Listener {
  private let watch: (TrainingJob.Event) -> Bool
  private(set) var isStopped = false
  private(set) var remarks: [TrainingRemark] = []

  init(_ watch: @escaping (TrainingJob.Event) -> Bool) { self.watch = watch }

  /// Whether to go on.
  func tell(_ event: TrainingJob.Event) -> Bool {
    if !watch(event) { isStopped = true }
    return !isStopped
  }

  func remark(_ remark: TrainingRemark) {
    remarks.append(remark)
    _ = tell(.remark(remark))
  }

  func read(_ reading: Reading) -> Bool { tell(.reading(reading)) }
}
