import Foundation
import Images
import Models
import Tensors

/// A classifier that is attacked: its logits, and their gradient in the pixels.
///
/// Images are intensities 0…1, a row of H·W·C numbers an image, and need be on no level.
public struct Victim {
  public let model: ResidualClassifier
  public let engine: Engine
  private let prepared = PreparedWeights()

  public init(_ model: ResidualClassifier, on engine: Engine) {
    self.model = model
    self.engine = engine
  }

  var dimension: Int { model.image.dimension }
  var classes: Int { model.classes }

  /// Logits of images `[N, D]`, a row an image.
  func logits(of images: [[Float]]) -> [[Float]] {
    let parameter = pixels(images)
    let context = Context(engine, prepared: prepared, pixels: parameter)
    return rows(of: model.logits(blank(images.count), in: context).value)
  }

  /// The gradient in the pixels of each image of Σ weight · logit over its classes.
  /// - Parameter weights: of each image's logits, which it is told.
  func gradient(
    at images: [[Float]], of weights: (_ logits: [[Float]]) -> [[Float]]
  ) -> (logits: [[Float]], gradient: [[Float]]) {
    let parameter = pixels(images)
    let context = Context(
      engine, tape: Tape(), prepared: prepared, pixels: parameter, weightsAreConstant: true)
    let outputs = model.logits(blank(images.count), in: context)
    let logits = rows(of: outputs.value)
    let wanted = Tensor(outputs.shape, outputs.value.precision)
    wanted.write(weights(logits).flatMap { $0.map(Double.init) })
    let gradients = context.gradients(of: context.masked(outputs, by: wanted), seed: 1)
    guard let gradient = gradients[parameter] else {
      preconditionFailure("no gradient reaches the pixels")
    }
    return (logits, rows(of: gradient))
  }

  /// The most probable class of each image; the lowest of equals.
  public func mostProbable(_ images: [[Float]]) -> [Int] {
    logits(of: images).map(winner)
  }

  /// −log p(label) of each image, nats.
  package func loss(of images: [[Float]], _ labels: [Int]) -> [Float] {
    losses(logits(of: images), labels)
  }

  private func pixels(_ images: [[Float]]) -> Parameter {
    let value = Tensor([images.count, dimension], engine.wide)
    value.write(images.flatMap { $0.map(Double.init) })
    return Parameter(name: "pixels", value: value, decays: false)
  }

  /// A batch of which the pixels are read elsewhere.
  private func blank(_ count: Int) -> PixelBatch {
    PixelBatch(
      count: count, height: model.image.height, width: model.image.width,
      channels: model.image.channels, levels: model.levels,
      symbols: [UInt8](repeating: 0, count: count * dimension))
  }

  private func rows(of tensor: Tensor) -> [[Float]] {
    let values = tensor.values
    let width = values.count / tensor.shape[0]
    return (0..<tensor.shape[0]).map { n in
      values[n * width..<(n + 1) * width].map { Float($0) }
    }
  }
}

/// The class of the highest logit; the lowest of equals.
func winner(_ logits: [Float]) -> Int { logits.firstIndex(of: logits.max()!)! }

/// Weights of logits: ∂ −log p(label) / ∂ logit = p − onehot(label), what an attack climbs.
func lossWeights(_ logits: [[Float]], _ labels: [Int]) -> [[Float]] {
  zip(logits, labels).map { row, label in
    let top = row.max()!
    let powers = row.map { exp($0 - top) }
    let total = powers.reduce(0, +)
    var weights = powers.map { $0 / total }
    weights[label] -= 1
    return weights
  }
}

/// −log p(label) of each image, nats.
func losses(_ logits: [[Float]], _ labels: [Int]) -> [Float] {
  zip(logits, labels).map { row, label in
    let top = row.max()!
    return log(row.reduce(0) { $0 + exp($1 - top) }) + top - row[label]
  }
}
