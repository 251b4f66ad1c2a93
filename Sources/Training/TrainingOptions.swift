import CPU
import Foundation
import Images
import Models
import Tensors

/// How a model is trained: AdamW or Muon with warm-up and cosine decay, clipping, and a moving average of the
/// weights, which evaluation and sampling use.
public struct TrainingOptions: Codable, Equatable, Sendable {
  /// How long to train. As JSON, `{"epochs": 20}` or `{"minutes": 5}`.
  public enum Duration: Equatable, Sendable {
    /// Passes over the training images. Repeatable bit for bit.
    case epochs(Int)
    /// Minutes of training; the step under way and the last validation come on top. The learning
    /// rate then follows the clock, so two runs differ.
    case minutes(Double)
  }

  /// How long validation may go without improving before the training ends.
  public struct Patience: Codable, Equatable, Sendable {
    /// Epochs since the best of the schedule under way.
    public var epochs: Int
    /// And as large a share 0…1 of the schedule: epochs may be many and short.
    public var share: Double

    public init(epochs: Int, share: Double = 0) {
      self.epochs = epochs
      self.share = share
    }
  }

  public var duration: Duration
  /// Images a step.
  public var batch: Int
  /// The highest learning rate, after warm-up.
  public var learningRate: Double
  /// Share of the training during which the learning rate rises.
  public var warmup = 0.02
  /// What the learning rate falls to, as a share of the highest.
  public var finalRate = 0.01
  /// Decoupled: each step takes this share, times the learning rate, off every weight but biases.
  public var weightDecay = 0.0
  /// Largest norm of the gradient of the loss in nats a sub-pixel; longer ones are shortened to it.
  public var clip = 1.0
  /// What the moving average of the weights keeps of itself each step, once it has warmed up.
  public var averageDecay = 0.9995
  /// By which rule weights move; nil: by AdamW, as there once was no other.
  public var optimiser: OptimiserName?
  /// That rule.
  public var rule: OptimiserName { optimiser ?? .adamw }
  /// When to end early, where validation says so; nil: never.
  public var patience: Patience?
  /// How training images, and no others, are changed at random; nil: not at all.
  public var augmentation: Augmentation?
  /// Precision of activations.
  public var precision = Precision.float32

  public init(duration: Duration, batch: Int, learningRate: Double) {
    self.duration = duration
    self.batch = batch
    self.learningRate = learningRate
  }

  /// The learning rate when a share 0…1 of the training is done: a linear rise, then half a cosine.
  public func learningRate(at progress: Double) -> Double {
    // The first step, at progress 0, is not to be wasted on a rate of 0.
    if progress < warmup { return learningRate * min(1, max(progress, 1e-3) / warmup) }
    let fall = min(1, (progress - warmup) / (1 - warmup))
    return learningRate * (finalRate + (1 - finalRate) * 0.5 * (1 + cos(.pi * fall)))
  }

  /// What each field must be: its name, whether it is, and both in words.
  var checks: [(field: String, isSensible: Bool, expected: String, found: String)] {
    let length: (String, Bool, String, String) =
      switch duration {
      case .epochs(let count):
        ("duration.epochs", (1...1_000_000_000).contains(count), "1 ... 1000000000", "\(count)")
      case .minutes(let minutes):
        ("duration.minutes", minutes > 0 && minutes <= 1e7, "0 ... 10000000", "\(minutes)")
      }
    return [
      length,
      ("batch", (1...1 << 20).contains(batch), "1 ... \(1 << 20)", "\(batch)"),
      (
        "learningRate", learningRate > 0 && learningRate.isFinite, "more than 0",
        "\(learningRate)"
      ),
      ("warmup", warmup >= 0 && warmup < 1, "0 or more, less than 1", "\(warmup)"),
      ("finalRate", (0...1).contains(finalRate), "0 ... 1", "\(finalRate)"),
      ("weightDecay", weightDecay >= 0 && weightDecay.isFinite, "0 or more", "\(weightDecay)"),
      ("clip", clip > 0, "more than 0", "\(clip)"),
      (
        "averageDecay", averageDecay >= 0 && averageDecay < 1, "0 or more, less than 1",
        "\(averageDecay)"
      ),
      (
        "patience.epochs", patience.map { (1...1_000_000_000).contains($0.epochs) } ?? true,
        "1 ... 1000000000", "\(patience?.epochs ?? 0)"
      ),
      (
        "patience.share", patience.map { (0...1).contains($0.share) } ?? true, "0 ... 1",
        "\(patience?.share ?? 0)"
      ),
      (
        "augmentation.shift", augmentation.map { (0...8192).contains($0.shift) } ?? true,
        "0 ... 8192", "\(augmentation?.shift ?? 0)"
      ),
      ("precision", precision != .float64, "float32 or bfloat16", precision.rawValue),
    ]
  }
}

extension TrainingOptions.Duration: Codable {
  private enum CodingKeys: CodingKey {
    case epochs, minutes
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch (
      try container.decodeIfPresent(Int.self, forKey: .epochs),
      try container.decodeIfPresent(Double.self, forKey: .minutes)
    ) {
    case (let epochs?, nil): self = .epochs(epochs)
    case (nil, let minutes?): self = .minutes(minutes)
    case (let epochs, _):
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "expected epochs or minutes, found \(epochs == nil ? "none" : "both")"))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .epochs(let count): try container.encode(count, forKey: .epochs)
    case .minutes(let minutes): try container.encode(minutes, forKey: .minutes)
    }
  }
}

extension ModelFamily {
  /// What activations are computed in where nothing else is asked for: on this processor.
  public var precision: Precision {
    prefersBFloat16 && CPUBackend.gainsFromBFloat16 ? .bfloat16 : .float32
  }
}
