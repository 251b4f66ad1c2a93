import Foundation
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
/// let result = try benchmark.run(on: OneDNNBackend.shared)
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
  /// Of activations in scoring; what scores a run uses float32.
  public var scoringPrecision = Precision.float32
  /// Seconds for each measurement, beside its warm-up.
  public var seconds = 5.0
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
  /// - Throws: `ModelError` or `BenchmarkError` for a model or a batch that this machine cannot hold
  ///   or whose loss is not finite, `GenerationError` where its probabilities are not numbers.
  public func run(
    on backend: any Backend, progress: @escaping (Measurement) -> Bool = { _ in true }
  ) throws -> BenchmarkResult? {
    try requireMemory()
    ProcessStatus.resetPeakMemory()
    let measuring = try Measuring(self, on: backend, progress: progress)
    do {
      if measurements.contains(.train) { try measuring.train() }
      if measurements.contains(.score) { try measuring.score() }
      if measurements.contains(.sample) { try measuring.sample() }
    } catch is Stopped {
      return nil
    }
    measuring.result.peakMemory = ProcessStatus.peakMemory
    return measuring.result
  }

  /// What turns the images into symbols.
  var pixels: PixelEncoding {
    specification.head.levels == 2 ? .threshold : .levels(specification.head.levels)
  }

  /// Refuses images and logits that this machine cannot hold; the weights are checked as the model is
  /// built.
  private func requireMemory() throws {
    let subpixels = Double(batch) * Double(specification.image.dimension)
    // Logits and their gradient; a byte a sub-pixel of every image.
    let bytes =
      measurements.contains(.train)
      ? subpixels * Double(8 * specification.head.outputs + Measuring.batches) : 0
    let memory = Double(ProcessInfo.processInfo.physicalMemory)
    guard bytes < memory else {
      throw BenchmarkError(
        description: "batch: expected images and logits that fit in \(Int(memory) >> 30) GiB of"
          + " memory, found \(batch) images \(specification.image) with"
          + " \(specification.head.levels) levels, which need \(Int(bytes / 0x1p30)) GiB")
    }
  }
}

/// What ends a benchmark early, in one line.
public struct BenchmarkError: Error, CustomStringConvertible, Sendable {
  public let description: String
}

/// Somebody asked to stop.
struct Stopped: Error {}
