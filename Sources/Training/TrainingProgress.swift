/// What ends a training early.
public enum TrainingError: Error, CustomStringConvertible, Sendable {
  /// Where it was.
  public enum Moment: Equatable, Sendable {
    /// The step that was to be taken, 1-based.
    case step(Int, gradientNorm: Double)
    case validation(afterStep: Int)
    /// The one step of a model that is fitted in closed form.
    case fit
  }

  /// The loss is no longer finite.
  case diverged(run: String, at: Moment, natsPerImage: Double, keepsCheckpoint: Bool)

  public var description: String {
    switch self {
    case .diverged(let run, let moment, let nats, let keepsCheckpoint):
      let (place, more) =
        switch moment {
        case .step(let step, let norm): ("step \(step)", ", gradient norm \(norm)")
        case .validation(let step): ("validation after step \(step)", "")
        case .fit: ("the fit", "")
        }
      let kept = keepsCheckpoint ? "the last checkpoint is kept" : "there is no checkpoint yet"
      return
        "\(run): \(place): expected a finite loss, found \(nats) nats an image\(more); \(kept):"
        + " start anew with a lower learning rate"
    }
  }
}

extension Trainer {
  /// Where a training stands, for whoever watches.
  public struct Progress: Sendable {
    public enum Moment: Equatable, Sendable {
      /// A step is done.
      case step
      /// A share 0…1 of the validation images is done.
      case validation(Double)
      /// An epoch is done; whether its validation loss is the lowest so far.
      case epochEnd(isBest: Bool)
    }

    public let moment: Moment
    /// Steps done, over all sittings.
    public let step: Int
    /// The epoch under way or just ended, 1-based.
    public let epoch: Int
    /// Share of the training done, 0…1.
    public let done: Double
    /// Mean over the epoch so far, bits a sub-pixel.
    public let trainBitsPerDimension: Double
    /// The latest, nats an image, once there is one.
    public let validationNatsPerImage: Double?
    /// The same in bits a sub-pixel.
    public let validationBitsPerDimension: Double?
    /// Epochs ended since the best validation of the schedule under way; nil before its first.
    public let epochsSinceBest: Int?
    /// Of the steps of this sitting.
    public let imagesPerSecond: Double
    /// An estimate from the pace of this sitting; nil before its first step.
    public let secondsLeft: Double?
  }

  /// What came of a training.
  public struct Summary: Equatable, Sendable {
    /// Epochs ended; the one that the clock cut short counts.
    public let epochs: Int
    public let steps: Int
    /// Over all sittings.
    public let seconds: Double
    /// Mean over the latest epoch, or what there is of it; nil before the first step.
    public let trainBitsPerDimension: Double?
    /// Of the weights kept: the best epoch's. Nil without validation, or before the first.
    public let validationNatsPerImage: Double?
    /// The same in bits a sub-pixel.
    public let validationBitsPerDimension: Double?
    /// The epoch of the weights kept, 1-based; nil without validation, or before the first.
    public let bestEpoch: Int?
    /// Live weights of the model.
    public let parameters: Int
    /// Whether it was stopped before its end.
    public let interrupted: Bool
    /// Whether it ended before its time, as validation had not improved for long.
    public let endedEarly: Bool
  }
}
