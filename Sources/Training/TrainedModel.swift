import CPU
import Files
import Images
import Layers
import Models
import Randomness
import RunFiles
import Tensors

/// A run opened for use: its model with the averaged weights that did best on validation.
///
/// ```swift
/// let trained = try TrainedModel(run: "runs/digits")
/// let nats = trained.logProbability(of: batch)
/// ```
public struct TrainedModel {
  public let run: RunFolder
  public let configuration: RunConfiguration
  /// Of a run of classes a `ClassMixture`: images are of unknown class unless a batch has labels.
  public let model: any DensityModel
  /// The model's weights, float32.
  public let parameters: [Parameter]
  /// Evaluation, in one precision whatever the training had; weights are prepared for it once.
  public let context: Context

  /// - Parameter precision: of the activations; float32 is for keeps, bfloat16 for speed.
  /// - Throws: `FileError` or `ModelError`, one line, for a folder that is damaged or not a run.
  public init(
    run path: String, backend: any Backend = CPUBackend.shared, precision: Precision = .float32
  ) throws {
    run = try RunFolder.open(at: path)
    configuration = try RunConfiguration.read(from: run)
    guard !configuration.model.family.isClassifier else {
      throw FileError(
        path, expected: "a run of a density of images",
        found: "one of a classifier, \(configuration.model.name)")
    }
    let store = ParameterStore(seed: configuration.model.seed)
    let model = try configuration.model.build(in: store)
    let counts = configuration.data.trainingImagesByClass ?? [:]
    self.model =
      configuration.classNames.map { names in
        ClassMixture(model, counts: names.map { counts[$0] ?? 0 })
      } ?? model
    parameters = store.parameters
    context = Context(Engine(backend, precision))
    if let start = configuration.start, let rank = start.adapters {
      let base = try start.opened(for: run.configurationFile, backend: backend)
      try base.copyWeights(to: parameters, for: run.configurationFile)
      let adapters = Adapter.all(of: parameters, rank: rank, seed: configuration.seed)
      try adapters.flatMap { [$0.up, $0.down] }.read(from: run.weightsFile)
      for adapter in adapters { adapter.write(into: adapter.base.value, alone: backend) }
    } else {
      try parameters.read(from: run.weightsFile)
    }
  }

  /// The model of a run of classes; nil where it was told none.
  public var mixture: ClassMixture? { model as? ClassMixture }

  /// Live weights.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// log p of each image, nats; of several of the orders that the model knows, the mean of p.
  public func logProbability(of batch: PixelBatch, orders: Int = 1) -> [Double] {
    model.logProbability(of: batch, orders: orders, in: context)
  }

  /// Symbols `[N, H, W, C]` of some images of a data set, stochastic ones by the draw that all
  /// evaluation uses. They come without labels: what is scored is p(x).
  public func batch(of data: DataSet, _ indices: some Collection<Int>) -> PixelBatch {
    configuration.pixels.batch(of: data, indices: indices, seed: configuration.seed).labelled(nil)
  }

  /// How a data set must be loaded to fit this model.
  public var loadingOptions: LoadingOptions { configuration.loadingOptions }

  /// The fingerprint of these weights and of the symbols that they are for, in hexadecimal.
  public var weightsFingerprint: String {
    var hash = Fingerprint()
    for byte in configuration.pixels.rawValue.utf8 { hash.fold(UInt64(byte)) }
    for parameter in parameters {
      parameter.value.withBytes { bytes in
        for bits in bytes.bindMemory(to: UInt32.self) { hash.fold(UInt64(bits)) }
      }
    }
    return String(hash.bits, radix: 16)
  }
}
