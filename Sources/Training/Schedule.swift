import Files
import RunFiles

/// The rise and fall of the learning rate that is under way: from where the run stood when it began,
/// to its end.
struct Schedule {
  /// How many ended before it.
  let number: Int
  private let options: TrainingOptions
  private let trainingImages: Int
  /// Where the run stood at its beginning.
  let begun: (epochs: Int, steps: Int, seconds: Double)

  init(_ configuration: RunConfiguration) {
    number = configuration.earlier?.count ?? 0
    options = configuration.training
    trainingImages = configuration.data.trainingImages
    begun = configuration.earlier?.last.map { ($0.epochs, $0.steps, $0.seconds) } ?? (0, 0, 0)
  }

  var stepsPerEpoch: Int { (trainingImages + options.batch - 1) / options.batch }

  /// The share done, 0…1.
  func done(_ state: TrainingState) -> Double {
    switch options.duration {
    case .epochs(let count):
      min(
        1,
        Double(state.step - begun.steps) / (Double(count - begun.epochs) * Double(stepsPerEpoch)))
    case .minutes(let minutes):
      min(1, (state.seconds - begun.seconds) / (60 * minutes - begun.seconds))
    }
  }

  /// Whether the clock ends the epoch under way.
  func isOutOfTime(_ state: TrainingState) -> Bool {
    if case .minutes(let minutes) = options.duration {
      state.seconds >= 60 * minutes
    } else {
      false
    }
  }

  /// Whether nothing is left to do once the epoch under way has ended.
  func endsWithEpoch(_ state: TrainingState) -> Bool {
    switch options.duration {
    case .epochs(let count): state.epoch + 1 >= count
    case .minutes: isOutOfTime(state)
    }
  }

  /// Whether nothing is left to do.
  func isOver(_ state: TrainingState) -> Bool {
    if hasLostPatience(state) { return true }
    return switch options.duration {
    case .epochs(let count): state.epoch >= count
    // The epoch that the clock cuts short is ended too, once.
    case .minutes: isOutOfTime(state) && state.imagesOfEpoch == 0
    }
  }

  /// Whether validation has not improved for as long as it may.
  func hasLostPatience(_ state: TrainingState) -> Bool {
    guard let patience = options.patience, state.imagesOfEpoch == 0, state.scheduleBest.isFinite
    else { return false }
    return state.epoch - state.scheduleBestEpoch >= patience.epochs
      // Epochs are many where not each of them is validated.
      && state.worseValidations >= min(patience.epochs, 2)
      // But for rounding.
      && done(state) - state.scheduleBestShare >= patience.share - 1e-9
  }

  /// Refuses the state of a training of other batches, images or schedules.
  /// - Throws: `FileError` naming the checkpoint at `path`.
  func check(_ state: TrainingState, of path: String) throws {
    guard state.schedule == number else {
      throw FileError(
        path, "metadata 'schedule'", expected: "\(number), as many as config.json says have ended",
        found: "\(state.schedule)")
    }
    let size = options.batch
    let steps = (state.epoch - begun.epochs).multipliedReportingOverflow(by: stepsPerEpoch)
    let expected =
      begun.steps &+ steps.partialValue &+ (state.imagesOfEpoch + size - 1) / size
    // The clock can cut an epoch short.
    let isCut = isOver(state) && state.step < expected
    guard !steps.overflow, state.step == expected || isCut,
      state.imagesOfEpoch <= trainingImages,
      state.imagesOfEpoch % size == 0 || state.imagesOfEpoch == trainingImages
    else {
      throw FileError(
        path, "metadata 'step'",
        expected: "\(stepsPerEpoch) steps an epoch of \(size) images each",
        found: "\(state.step) in \(state.epoch) epochs and \(state.imagesOfEpoch) images")
    }
  }
}

/// A schedule that a run was trained by to its end, before it was taken further.
public struct EndedSchedule: Codable, Equatable, Sendable {
  public var training: TrainingOptions
  /// Where the run stood at its end, over all schedules.
  public var epochs: Int
  public var steps: Int
  public var seconds: Double
}

/// Where the training of a run stands, by its checkpoint.
public struct Standing: Equatable, Sendable {
  /// Epochs ended, steps done and seconds trained, over all sittings.
  public let epochs: Int
  public let steps: Int
  public let seconds: Double
  /// Whether nothing is left to do.
  public let isFinished: Bool
}

extension RunConfiguration {
  /// Where a run of this configuration stands; nil before its first checkpoint.
  /// - Throws: `FileError` for a damaged checkpoint.
  public func standing(of run: RunFolder) throws -> Standing? {
    guard run.hasCheckpoint else { return nil }
    let state = try TrainingState(TensorFile(reading: run.checkpointFile))
    let schedule = Schedule(self)
    return Standing(
      epochs: state.epoch, steps: state.step, seconds: state.seconds,
      isFinished: state.schedule == schedule.number && schedule.isOver(state))
  }

  /// The configuration by which a finished run is trained on to a later end: the learning rate rises
  /// and falls anew, from the best weights.
  /// - Parameters:
  ///   - standing: of the run, which is finished.
  ///   - training: the options of the new schedule, whose duration counts from the run's beginning.
  public func takenFurther(from standing: Standing, by training: TrainingOptions)
    -> RunConfiguration
  {
    precondition(standing.isFinished, "a run that is not finished has a schedule to go on with")
    var next = self
    next.earlier =
      (earlier ?? []) + [
        EndedSchedule(
          training: self.training, epochs: standing.epochs, steps: standing.steps,
          seconds: standing.seconds)
      ]
    next.training = training
    return next
  }
}
