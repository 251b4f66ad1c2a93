import Generation
import Images
import Layers
import Models
import Tensors
import Training

/// How fast one model trains, scores and samples on this machine, by the code that does it for users:
/// the training step of `Learner`, `DensityModel.likelihood`, and `Sampler`.
///
/// ```swift
/// var benchmark = Benchmark(specification, precision: .float32)
/// benchmark.measurements = [.train]
/// let result = try benchmark.run(on: CPUBackend.shared)
/// ```
public struct Benchmark {
  public enum Measurement: String, CaseIterable, Sendable {
    case train
    case score
    case sample
  }

  public let specification: ModelSpecification
  public var measurements = Set(Measurement.allCases)
  /// Images a training step.
  public var batch: Int
  /// Of activations in training.
  public var precision: Precision
  /// Of activations in scoring and sampling.
  public var scoringPrecision = Precision.float32
  /// Seconds for each measurement, beside its warm-up.
  public var seconds = 5.0
  /// Images to draw at once; nil for as many as all threads take.
  public var samples: Int?
  /// Training steps to take instead, so that memory can be watched; the first tenth warms up.
  public var steps: Int?
  /// Keys random images and draws.
  public var seed: UInt64 = 0
  /// Images of the model's shape; nil for random ones.
  public var images: DataSet?

  public init(_ specification: ModelSpecification, precision: Precision) {
    self.specification = specification
    self.precision = precision
    batch = specification.family.batch
  }

  /// Builds the model and measures it, untrained: speed does not depend on what it has learnt.
  /// - Parameter progress: called every step of the work; answers whether to go on.
  /// - Returns: nil where it was stopped.
  /// - Throws: `ModelError` for a model or a batch that this machine cannot hold, `BenchmarkError`
  ///   where a loss is not finite, `GenerationError` where a probability is not.
  public func run(
    on backend: any Backend, progress: @escaping (Measurement) -> Bool = { _ in true }
  ) throws -> BenchmarkResult? {
    ProcessStatus.resetPeakMemory()
    let measuring = try Measuring(self, on: backend, progress: progress)
    do {
      if trains { try measuring.train() }
      if measurements.contains(.score) { try measuring.score() }
      if measurements.contains(.sample) { try measuring.sample() }
    } catch is Stopped {
      return nil
    }
    measuring.result.peakMemory = ProcessStatus.peakMemory
    return measuring.result
  }

  /// Whether steps of training are measured: a family that is fitted takes none.
  var trains: Bool { measurements.contains(.train) && !specification.family.isClosedForm }

  /// What turns the images into symbols.
  var pixels: PixelEncoding {
    specification.head.levels == 2 ? .threshold : .levels(specification.head.levels)
  }
}

/// What ends a benchmark early.
public enum BenchmarkError: Error, Equatable, CustomStringConvertible, Sendable {
  /// What was to be a number, a loss or a likelihood, is none.
  case notFinite(model: String, String, Double)

  public var description: String {
    switch self {
    case .notFinite(let model, let what, let found):
      "\(model): expected a finite \(what), found \(found)"
    }
  }
}

/// Somebody asked to stop.
struct Stopped: Error {}
