import Files
import Foundation
import Layers
import Models
import RunFiles
import Tensors

/// The run whose weights a training starts from, and whether it leaves them as they are.
public struct Start: Codable, Equatable, Sendable {
  /// Where the run was; where it is no more, one of that name beside the new run is looked for.
  public var run: String
  /// `TrainedModel.weightsFingerprint` of it.
  public var weights: String
  /// The rank of what is added to weights that stay as they are; nil: all weights are trained.
  public var adapters: Int?

  public init(run: String, weights: String, adapters: Int? = nil) {
    (self.run, self.weights, self.adapters) = (run, weights, adapters)
  }

  /// The run, with the weights that it had.
  /// - Parameter file: the configuration that names it.
  /// - Throws: `FileError` where it is gone or has other weights.
  func opened(for file: String, backend: any Backend) throws -> TrainedModel {
    let beside = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
      .appending(component: URL(filePath: run).lastPathComponent).path
    guard
      let path = [run, beside].first(where: {
        FileManager.default.fileExists(atPath: $0 + "/config.json")
      })
    else {
      throw FileError(
        file, "start.run", expected: "the run that these weights are added to, \(run)",
        found: "no run there")
    }
    let base = try TrainedModel(run: path, backend: backend)
    guard base.weightsFingerprint == weights else {
      throw FileError(
        file, "start.weights",
        expected: "\(path) with the weights that it had, fingerprint \(weights)",
        found: "others, \(base.weightsFingerprint)")
    }
    return base
  }
}

extension TrainedModel {
  /// Refuses a model that cannot start from these weights.
  /// - Parameters:
  ///   - run: what is to be named.
  ///   - isAddedTo: whether the weights stay as they are, and only what is added to matrices is learned.
  /// - Throws: `FileError` naming the first that do not fit.
  public func requireFit(
    of model: ModelSpecification, for run: String, isAddedTo: Bool = false
  ) throws {
    let store = ParameterStore(seed: model.seed)
    _ = try model.learned(in: store)
    try requireFit(of: store.parameters, for: run)
    let own = Set(parameters.map(\.name))
    let new = store.parameters.first { !own.contains($0.name) && !Adapter.adapts($0) }
    if isAddedTo, let new {
      throw FileError(
        run, "tensor '\(new.name)' of \(self.run.path)",
        expected: "its numbers, as --adapters learns none but what is added to matrices",
        found: "none")
    }
  }

  /// Copies the weights to those of a model of the same architecture. What classes add there stays where
  /// this model is told none, and so does a palette, where this model has none.
  /// - Parameter file: what is to be named where they do not fit.
  /// - Throws: `FileError` for a model of other weights, naming the first.
  func copyWeights(to others: [Parameter], for file: String) throws(FileError) {
    try requireFit(of: others, for: file)
    let own = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
    for other in others {
      if let parameter = own[other.name] { other.value.copy(from: parameter.value) }
    }
  }

  private func requireFit(of others: [Parameter], for file: String) throws(FileError) {
    let own = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
    let names = Set(others.map(\.name))
    if let left = parameters.first(where: { !names.contains($0.name) }) {
      throw FileError(
        file, "tensor '\(left.name)' of \(run.path)", expected: "no such weights in the new model",
        found: "\(left.shape)")
    }
    for other in others {
      guard let parameter = own[other.name] else {
        if ClassBias.isNamed(other.name), configuration.classNames == nil { continue }
        if Palette.isNamed(other.name) { continue }
        throw FileError(
          file, "tensor '\(other.name)' of \(run.path)", expected: "\(other.shape)", found: "none")
      }
      guard parameter.shape == other.shape else {
        throw FileError(
          file, "tensor '\(other.name)' of \(run.path)", expected: "\(other.shape)",
          found: "\(parameter.shape)")
      }
    }
  }
}

extension Adapter {
  /// An addition to each of a model's weights.
  static func all(of parameters: [Parameter], rank: Int, seed: UInt64) -> [Adapter] {
    all(of: parameters, rank: rank, in: ParameterStore(seed: seed))
  }

  static func all(of parameters: [Parameter], rank: Int, in store: ParameterStore) -> [Adapter] {
    parameters.filter(adapts).map { Adapter($0, rank: rank, at: store.root) }
  }

  /// Writes W + U D where W itself may stand.
  func write(into weights: Tensor, alone backend: any Backend) {
    let sum = Tensor(weights.shape, weights.precision)
    write(into: sum, backend)
    weights.copy(from: sum)
  }
}
