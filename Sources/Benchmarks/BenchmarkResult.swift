/// How fast one model is. What was not measured is nil.
public struct BenchmarkResult: Sendable {
  /// Live weights.
  public let parameters: Int
  /// Live multiply-adds of one image's forward pass in training.
  public let multiplyAdds: Int
  /// Forward passes a likelihood.
  public let passesPerLikelihood: Int
  /// Images scored at once.
  public let inferenceBatch: Int
  /// Images drawn at once.
  public internal(set) var samplesAtOnce: Int?

  /// Training, images a second: a median, batches prepared beside the steps as in a real training.
  public internal(set) var train: Double?
  /// From the unbuilt model to the end of the first training step, seconds.
  public internal(set) var firstStep: Double?
  /// Resident memory after a tenth of the training steps asked for and after the last, bytes.
  public internal(set) var residentEarly: Int?
  public internal(set) var residentLate: Int?
  /// Scoring, images a second: a median.
  public internal(set) var score: Double?
  /// Sampling as `Sampler` does it, images a second: a median.
  public internal(set) var sample: Double?
  /// Sampling by one full pass a sub-pixel, images a second: a few passes, scaled to all sub-pixels.
  public internal(set) var plainSample: Double?
  /// Most resident memory of the process during the benchmark, bytes; nil where the system does not
  /// tell.
  public internal(set) var peakMemory: Int?

  /// Live arithmetic of training, GFLOP/s: two operations a multiply-add, and forward, input gradient
  /// and weight gradient count alike.
  public var trainGflops: Double? { train.map { $0 * 3 * 2 * Double(multiplyAdds) / 1e9 } }

  /// Live arithmetic of scoring, GFLOP/s.
  public var scoreGflops: Double? {
    score.map { $0 * 2 * Double(multiplyAdds * passesPerLikelihood) / 1e9 }
  }
}
