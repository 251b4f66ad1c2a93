import CPU
import Files
import Foundation
import Heads
import Images
import Models
import Randomness
import RunFiles
import Tensors
import TestSupport
import Testing
import Training

/// A small training: 22 images in batches of 4, six steps an epoch, and 5 images to validate on.
struct TrainingCase: Sendable, CustomTestStringConvertible {
  var model: String
  var settings: [String: String] = [:]
  var pixels = PixelEncoding.stochastic
  var channels = 1
  var orders: Int?
  var precision = Precision.float32
  var duration = TrainingOptions.Duration.epochs(3)
  var hasValidation = true
  /// Changes of the defaults.
  var change: @Sendable (inout TrainingOptions) -> Void = { _ in }

  static let stepsPerEpoch = 6
  static let steps = 18

  /// Every family, both heads, grey and colour; in both precisions where the processor has both.
  static let families: [TrainingCase] = {
    let float32 = [
      TrainingCase(model: "fvsbn"),
      TrainingCase(model: "nade", settings: ["hidden": "7"]),
      TrainingCase(model: "made", settings: ["hidden": "9"]),
      TrainingCase(
        model: "made", settings: ["hidden": "9,8", "masks": "3"], pixels: .levels(3)),
      TrainingCase(
        model: "pixelcnn", settings: ["blocks": "2", "channels": "4", "dropout": "0.2"]),
      TrainingCase(
        model: "pixelcnn", settings: ["blocks": "1", "channels": "6"], pixels: .levels(4),
        channels: 3),
    ]
    guard CPUBackend.hasBFloat16 else { return float32 }
    return float32
      + float32.map {
        var copy = $0
        copy.precision = .bfloat16
        return copy
      }
  }()

  static let nade = TrainingCase(model: "nade", settings: ["hidden": "7"])

  var testDescription: String {
    "\(model) \(settings.map { "\($0)=\($1)" }.sorted()) \(pixels) \(channels) \(precision)"
  }

  var training: DataSet { pictures(22, seed: 1, channels: channels) }
  var validation: DataSet? { hasValidation ? pictures(5, seed: 2, channels: channels) : nil }

  func configuration() throws -> RunConfiguration {
    var options = TrainingOptions(duration: duration, batch: 4, learningRate: 0.02)
    options.precision = precision
    options.weightDecay = 0.01
    change(&options)
    let head: Head = pixels.levels == 2 ? .bernoulli : .categorical(pixels.levels)
    return RunConfiguration(
      model: try ModelSpecification(
        name: model, settings: settings, head: head,
        image: ImageShape(height: 5, width: 4, channels: channels), orders: orders, seed: 3),
      pixels: pixels,
      data: DataDescription(
        path: "pictures", training: training, validationPath: nil, validation: validation),
      training: options, seed: 3)
  }

  /// Begins the run, or takes it up again where there is one.
  func trainer(at path: String, checkpointInterval: Double = 60) throws -> Trainer {
    let folder =
      (try? RunFolder.open(at: path)) == nil
      ? try RunFolder.create(at: path, configuration: try configuration())
      : try resumedRun(at: path)
    return try Trainer(
      run: folder, configuration: try .read(from: folder), training: training,
      validation: validation, backend: CPUBackend.shared,
      checkpointInterval: checkpointInterval)
  }

  /// Takes up a run with another configuration.
  func trainer(
    at path: String, _ configuration: RunConfiguration, checkpointInterval: Double = 60
  ) throws -> Trainer {
    try Trainer(
      run: try resumedRun(at: path), configuration: configuration, training: training,
      validation: validation, backend: CPUBackend.shared,
      checkpointInterval: checkpointInterval)
  }

  /// Trains in several sittings, each stopped when its watch has been called so often, then to the
  /// end.
  @discardableResult
  func train(at path: String, stops: [Int] = []) throws -> Trainer.Summary {
    try begin(at: path, stops: stops)
    let summary = try trainer(at: path).train { _ in true }
    #expect(!summary.interrupted)
    return summary
  }

  /// The same without the end.
  func begin(at path: String, stops: [Int]) throws {
    for stop in stops {
      var calls = 0
      let summary = try trainer(at: path).train { _ in
        calls += 1
        return calls < stop
      }
      #expect(summary.interrupted)
    }
  }
}

/// A run that this process has let go of, opened again. A process that another test starts holds
/// copies of all open files, the lock among them, until it has become another program.
func resumedRun(at path: String) throws -> RunFolder {
  for _ in 0..<100 {
    do {
      return try RunFolder.resume(at: path)
    } catch let error as FileError where error.problem.contains("another training") {
      Thread.sleep(forTimeInterval: 0.01)
    }
  }
  return try RunFolder.resume(at: path)
}

/// Grey or coloured slopes with noise, 4 pixels wide and 5 high.
func pictures(_ count: Int, seed: UInt64, channels: Int = 1) -> DataSet {
  var random = RandomStream(seed: seed, "pictures")
  var pixels: [UInt8] = []
  for _ in 0..<count {
    let slope = random.uniform()
    for index in 0..<20 * channels {
      let light = 220 * slope * Double(index) / Double(20 * channels) + 30 * random.uniform()
      pixels.append(UInt8(light))
    }
  }
  return DataSet(
    height: 5, width: 4, channels: channels, pixels: pixels, names: (0..<count).map { "\($0)" })
}

func copy(_ path: String, to other: String) throws {
  try FileManager.default.copyItem(atPath: path, toPath: other)
}

/// The bits of every tensor in a file.
func tensorBits(_ path: String) throws -> [String: [UInt32]] {
  let file = try TensorFile(reading: path)
  return Dictionary(
    uniqueKeysWithValues: try file.tensors.map { tensor in
      let values = try file.values(of: tensor.name, shape: tensor.shape, as: Float.self)
      return (tensor.name, values.map(\.bitPattern))
    })
}

/// Expects two runs to have reached the same weights, the same state and the same record, bit for
/// bit in all but what a clock says.
func expectSameRuns(
  _ found: String, _ expected: String, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let weights = try tensorBits("\(expected)/weights.safetensors")
  #expect(!weights.isEmpty, sourceLocation: sourceLocation)
  #expect(
    try tensorBits("\(found)/weights.safetensors") == weights, comment,
    sourceLocation: sourceLocation)
  #expect(
    try tensorBits("\(found)/checkpoint.safetensors")
      == tensorBits("\(expected)/checkpoint.safetensors"), comment, sourceLocation: sourceLocation)
  func state(_ run: String) throws -> [String: String] {
    try TensorFile(reading: "\(run)/checkpoint.safetensors").metadata.filter {
      $0.key != "seconds"
    }
  }
  #expect(try state(found) == state(expected), comment, sourceLocation: sourceLocation)
  func rows(_ run: String) throws -> [MetricsRow] {
    try MetricsLog.rows(of: "\(run)/metrics.jsonl").map {
      var row = $0
      row.seconds = 0
      row.imagesPerSecond = 0
      return row
    }
  }
  #expect(try rows(found) == rows(expected), comment, sourceLocation: sourceLocation)
}
