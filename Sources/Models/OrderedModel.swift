import Heads
import Images
import Tensors

/// A model that is told in which order the pixels of an image come: a bias in each layer for each order,
/// as for classes, of which every order has its own.
///
/// ```swift
/// let nats = model.logProbability(of: batch, orders: model.orders.count, in: context)
/// ```
public struct OrderedModel: DensityModel {
  /// What is told: label · orders + order.
  let model: any DensityModel
  /// The orders that it knows, raster order first.
  public let orders: [Order]
  /// What a batch is in that does not say so, as those of a sampler.
  public let order: Order

  init(_ model: any DensityModel, orders: [Order], order: Order = .raster) {
    precondition(orders.contains(order), "the model does not know \(order)")
    (self.model, self.orders, self.order) = (model, orders, order)
  }

  public var image: ImageShape { model.image }
  public var head: Head { model.head }
  public var outputBias: Parameter? { model.outputBias }
  public var multiplyAdds: Int { model.multiplyAdds }
  public var passesPerLikelihood: Int { model.passesPerLikelihood }
  public var inferenceBatch: Int { model.inferenceBatch }
  public func samplingGroup(in precision: Precision) -> Int { model.samplingGroup(in: precision) }

  public func conditionals(_ batch: PixelBatch, in context: Context) -> any PixelDistribution {
    let order = batch.order == .raster ? order : batch.order
    guard let number = orders.firstIndex(of: order) else {
      preconditionFailure("the model knows \(orders.count) orders, \(order) not among them")
    }
    let count = context.memory?.images ?? batch.count
    let labels = batch.labels ?? Array(repeating: 0, count: count)
    return model.conditionals(
      batch.labelled(labels.map { $0 * orders.count + number }), in: context)
  }
}

extension DensityModel {
  /// The model of batches that stand in an order without saying so: for drawing in that order.
  public func told(in order: Order) -> any DensityModel {
    switch self {
    case let model as OrderedModel:
      OrderedModel(model.model, orders: model.orders, order: order)
    case let mixture as ClassMixture:
      ClassMixture(mixture.model.told(in: order), logPrior: mixture.logPrior)
    default: self
    }
  }
}
