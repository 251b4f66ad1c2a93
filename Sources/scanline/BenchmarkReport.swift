import Benchmarks
import CPU
import Foundation
import Models
import Tensors

/// What `benchmark --json` prints of a model: what was measured, and how fast it was. What was not
/// measured is null.
struct BenchmarkReport: Encodable {
  let benchmark: Benchmark
  let result: BenchmarkResult
  /// From the start of the process to the end of the first training step, seconds.
  let startupSeconds: Double?
  /// GFLOP/s of this machine in the precisions of training and scoring.
  private(set) var peak: Double?
  private(set) var scorePeak: Double?

  init(_ benchmark: Benchmark, _ result: BenchmarkResult, startedAfter age: Double?) {
    self.benchmark = benchmark
    self.result = result
    startupSeconds = age.flatMap { age in result.firstStep.map { age + $0 } }
  }

  mutating func compare(to peaks: [Precision: Double]) {
    peak = result.train.flatMap { _ in peaks[benchmark.precision] }
    scorePeak = result.score.flatMap { _ in peaks[benchmark.scoringPrecision] }
  }

  var trainShareOfPeak: Double? { share(result.trainGflops, of: peak) }
  var scoreShareOfPeak: Double? { share(result.scoreGflops, of: scorePeak) }

  private func share(_ rate: Double?, of peak: Double?) -> Double? {
    rate.flatMap { rate in peak.map { rate / $0 } }
  }

  private enum CodingKeys: CodingKey {
    case version, model, settings, size, channels, head, levels, batch, precision, threads
    case parameters, multiplyAdds, peakMemoryBytes
    case trainImagesPerSecond, trainGflops, trainShareOfPeak, peakGflops
    case startupSeconds, firstStepSeconds, steps, residentBytesEarly, residentBytesLate
    case scoreImagesPerSecond, scoreGflops, scoreShareOfPeak, scorePeakGflops, scorePrecision
    case sampleImagesPerSecond, plainSampleImagesPerSecond, inferenceBatch
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    let specification = benchmark.specification
    try container.encode(Scanline.configuration.version, forKey: .version)
    try container.encode(specification.name, forKey: .model)
    try container.encode(specification.settings, forKey: .settings)
    try container.encode(
      "\(specification.image.width)x\(specification.image.height)", forKey: .size)
    try container.encode(specification.image.channels, forKey: .channels)
    try container.encode(specification.head.kind, forKey: .head)
    try container.encode(specification.head.levels, forKey: .levels)
    try container.encode(benchmark.batch, forKey: .batch)
    try container.encode(benchmark.precision, forKey: .precision)
    try container.encode(benchmark.scoringPrecision, forKey: .scorePrecision)
    try container.encode(CPUBackend.shared.threads, forKey: .threads)
    try container.encode(result.parameters, forKey: .parameters)
    try container.encode(result.multiplyAdds, forKey: .multiplyAdds)
    try container.encode(result.inferenceBatch, forKey: .inferenceBatch)
    try container.encode(result.peakMemory, forKey: .peakMemoryBytes)
    try container.encode(result.train, forKey: .trainImagesPerSecond)
    try container.encode(result.trainGflops, forKey: .trainGflops)
    try container.encode(trainShareOfPeak, forKey: .trainShareOfPeak)
    try container.encode(peak, forKey: .peakGflops)
    try container.encode(startupSeconds, forKey: .startupSeconds)
    try container.encode(result.firstStep, forKey: .firstStepSeconds)
    try container.encode(benchmark.steps, forKey: .steps)
    try container.encode(result.residentEarly, forKey: .residentBytesEarly)
    try container.encode(result.residentLate, forKey: .residentBytesLate)
    try container.encode(result.score, forKey: .scoreImagesPerSecond)
    try container.encode(result.scoreGflops, forKey: .scoreGflops)
    try container.encode(scoreShareOfPeak, forKey: .scoreShareOfPeak)
    try container.encode(scorePeak, forKey: .scorePeakGflops)
    try container.encode(result.sample, forKey: .sampleImagesPerSecond)
    try container.encode(result.plainSample, forKey: .plainSampleImagesPerSecond)
  }
}

extension Benchmark {
  /// `pixelcnn, 256 levels`
  var name: String {
    let levels = specification.head.levels
    return specification.name + (levels > 2 ? ", \(levels) levels" : "")
  }
}

extension Benchmark.Measurement {
  var verb: String {
    switch self {
    case .train: "training"
    case .score: "scoring"
    case .sample: "sampling"
    }
  }
}
