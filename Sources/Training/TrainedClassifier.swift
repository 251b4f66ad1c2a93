import CPU
import Files
import Foundation
import Images
import Layers
import Models
import RunFiles
import Tensors

/// A run of a classifier, opened for use: its network with the averaged weights that did best on
/// validation.
///
/// ```swift
/// let classifier = try TrainedClassifier(run: "runs/shoes-and-shirts")
/// let told = classifier.classification(of: images)
/// print(told.accuracy.value)
/// ```
public struct TrainedClassifier {
  public let run: RunFolder
  public let configuration: RunConfiguration
  public let model: ResidualClassifier
  /// The names of the classes, in the order of their logits.
  public let classNames: [String]
  /// The network's weights, float32.
  public let parameters: [Parameter]
  /// Evaluation, in one precision whatever the training had.
  public let context: Context

  /// - Throws: `FileError` or `ModelError`, one line, for a folder that is damaged or no run of a
  ///   classifier.
  public init(
    run path: String, backend: any Backend = CPUBackend.shared, precision: Precision = .float32
  ) throws {
    run = try RunFolder.open(at: path)
    configuration = try RunConfiguration.read(from: run)
    let store = ParameterStore(seed: configuration.model.seed)
    guard configuration.model.family.isClassifier,
      let model = try configuration.model.learned(in: store) as? ResidualClassifier,
      let names = configuration.classNames
    else {
      throw FileError(
        path, expected: "a run of a classifier (train --model resnet)",
        found: "one of \(configuration.model.name)")
    }
    (self.model, classNames) = (model, names)
    parameters = store.parameters
    context = Context(Engine(backend, precision))
    try parameters.read(from: run.weightsFile)
  }

  /// Live weights.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Symbols of some images of a data set, with their labels.
  public func batch(of data: DataSet, _ indices: some Collection<Int>) -> PixelBatch {
    configuration.pixels.batch(of: data, indices: indices, seed: configuration.seed)
  }

  /// log p(y | x) of each class and image of a batch, nats, up to a constant of the image.
  public func logits(of batch: PixelBatch) -> [[Double]] {
    let values = model.logits(batch, in: context).value.values
    return (0..<batch.count).map {
      Array(values[$0 * model.classes..<($0 + 1) * model.classes])
    }
  }

  /// How well it tells the classes of a data set with labels, batch by batch.
  /// - Parameter progress: called after each batch with the images done; answers whether to go on. Where it
  ///   does not, the summary is of the images done.
  public func classification(of data: DataSet, progress: (Int) -> Bool = { _ in true })
    -> ClassificationSummary
  {
    guard let labels = data.labels else {
      preconditionFailure("images without labels have no classes to be told")
    }
    var found: [[Double]] = []
    for start in stride(from: 0, to: data.count, by: model.inferenceBatch) {
      found += logits(
        of: batch(of: data, start..<min(start + model.inferenceBatch, data.count)))
      guard progress(found.count) else { break }
    }
    return ClassificationSummary(
      logJoint: found, labels: Array(labels.prefix(found.count)), dimension: data.dimension)
  }

  // MARK: Temperature

  /// Divides the logits by the temperature under which labels of images that were not trained on are
  /// likeliest (Guo et al. 2017, arXiv:1706.04599, section 4.2), in the weights themselves; once, as their
  /// file says.
  /// - Throws: `FileError` where the weights cannot be written.
  public func calibrate(on validation: DataSet) throws {
    var metadata = try TensorFile(reading: run.weightsFile).metadata
    guard metadata["temperature"] == nil else { return }
    let temperature = classification(of: validation).bestTemperature
    for parameter in [model.output.weight, model.output.bias] {
      parameter.value.write(parameter.value.values.map { $0 / temperature })
    }
    metadata["temperature"] = "\(temperature)"
    try parameters.write(to: run.weightsFile, metadata: metadata)
  }
}

extension ClassificationSummary {
  /// Nats of the labels with log-probabilities divided by a temperature, the mean.
  public func logLoss(temperature: Double) -> Double {
    let losses = labels.indices.map { image in
      let scaled = logJoint[image].map { $0 / temperature }
      return logSumExp(scaled) - scaled[labels[image]]
    }
    return losses.reduce(0, +) / Double(losses.count)
  }

  /// The temperature of 1/4 … 20 with the lowest mean of nats, which has one minimum over its inverse. (Of
  /// few images that are all told right it would be 0.)
  public var bestTemperature: Double {
    // Golden sections of log T.
    var (low, high) = (-log(4.0), log(20.0))
    let ratio = (5.0.squareRoot() - 1) / 2
    for _ in 0..<40 {
      let (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
      if logLoss(temperature: exp(a)) < logLoss(temperature: exp(b)) { high = b } else { low = a }
    }
    return exp((low + high) / 2)
  }
}
